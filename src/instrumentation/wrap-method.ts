// The only place where a function of the application or of Node.js is replaced.
import shimmer from 'shimmer';
import { makePrivateField, type PrivateField } from './private-field.js';

/** Restores the original function. */
export type Undo = () => void;

/** Returned in place of an undo for a function that cannot be replaced. */
export const notWritable: Undo = () => {};

const wrapped: PrivateField<true> = makePrivateField();
/** The properties that shimmer adds to a wrapper. */
const shimmerMarks = ['__original', '__unwrap', '__wrapped'];

/** A function of the application or of Node.js. */
export type HostFunction = (this: unknown, ...args: never[]) => unknown;

/**
 * Replaces `target[method]` by the function that `wrap` returns for it. Name, length and own properties stay those of the original.
 * Returns null if there is no such function, and `notWritable` if it cannot be replaced (frozen, or a getter).
 *
 * The replacement has to call the original exactly once, return its result and let its errors through. Its own work runs inside
 * try/catch. There is no generic advice before and after the original, because that would cost objects and closures per request.
 */
export function wrapMethod(
  target: object,
  method: string,
  wrap: (original: HostFunction) => HostFunction,
): Undo | null {
  const before = Object.getOwnPropertyDescriptor(target, method);
  const original: unknown = Reflect.get(target, method);
  if (typeof original !== 'function') return null;
  if (before === undefined ? !Object.isExtensible(target) : !before.writable || !before.configurable)
    return notWritable;
  const host = original as HostFunction; // checked above
  // The same module may be loaded by `require` and by `import`.
  if (wrapped.get(host) === true) return () => {};
  const wrapper = copyFunctionShape(wrap(host), host);
  wrapped.set(wrapper, true);
  // shimmer replaces the property and keeps it enumerable or not. The requirements of this sensor name shimmer, so it is kept, although
  // only this assignment is used. Its types accept the keys of a type only, not a name found at run time.
  (shimmer.wrap as (nodule: object, name: string, wrapper: (original: unknown) => unknown) => unknown)(
    target,
    method,
    () => wrapper,
  );
  // The application could see shimmer's marks, so they are removed. Its unwrap is ignored, because it would turn an inherited
  // function into a property of `target`.
  for (const mark of shimmerMarks) Reflect.deleteProperty(wrapper, mark);
  return () => {
    if (Reflect.get(target, method) !== wrapper) return; // another tool has replaced it since
    if (before === undefined) Reflect.deleteProperty(target, method);
    else Object.defineProperty(target, method, before);
  };
}

/** Gives `wrapper` the name, length, properties and prototype of `original`, and returns it. */
export function copyFunctionShape(wrapper: HostFunction, original: HostFunction): HostFunction {
  for (const key of Reflect.ownKeys(original)) {
    const descriptor = Object.getOwnPropertyDescriptor(original, key);
    if (descriptor === undefined) continue;
    const current = Object.getOwnPropertyDescriptor(wrapper, key);
    if (current === undefined || current.configurable) Object.defineProperty(wrapper, key, descriptor);
    else if (current.writable && 'value' in descriptor) Reflect.set(wrapper, key, descriptor.value);
  }
  const prototype: unknown = Object.getPrototypeOf(original);
  if (Object.getPrototypeOf(wrapper) !== prototype) Object.setPrototypeOf(wrapper, prototype as object); // a function has one
  return wrapper;
}

/** The source of a function, even if it has its own `toString`. */
export function sourceOf(fn: object): string {
  return Function.prototype.toString.call(fn);
}

// The only place where a function of the host is replaced.
import shimmer from 'shimmer';
import { makePrivateField, type PrivateField } from './private-field.js';

/** Puts back what was there before. */
export type Undo = () => void;

/** In place of an undo: the function is there and cannot be replaced. */
export const notWritable: Undo = () => {};

const wrapped: PrivateField<true> = makePrivateField();
const shimmerMarks = ['__original', '__unwrap', '__wrapped'];

export type HostFunction = (this: unknown, ...args: never[]) => unknown;

/**
 * Replaces `target[method]` by what `wrap` makes of it, with the name, length and own properties of the original.
 * Changes nothing and returns null when there is no such function, `refused` when it cannot be replaced (frozen, a getter).
 *
 * What `wrap` returns must run the original exactly once, return its result and let its errors through;
 * own work in it has to be inside try/catch. It is no generic before/after advice, because that would cost
 * objects and closures in every request.
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
  const host = original as HostFunction; // looked at above
  // The same module may arrive by `require` and by `import`.
  if (wrapped.get(host) === true) return () => {};
  const wrapper = copyFunctionShape(wrap(host), host);
  wrapped.set(wrapper, true);
  // shimmer's types know only the keys of a type, not a name found at run time.
  (shimmer.wrap as (nodule: object, name: string, wrapper: (original: unknown) => unknown) => unknown)(
    target,
    method,
    () => wrapper,
  );
  // Marks of shimmer's that the original does not have; its unwrap is not used.
  for (const mark of shimmerMarks) Reflect.deleteProperty(wrapper, mark);
  return () => {
    if (Reflect.get(target, method) !== wrapper) return; // somebody else was here after us
    if (before === undefined) Reflect.deleteProperty(target, method);
    else Object.defineProperty(target, method, before);
  };
}

/** Gives `wrapper` the name, the length, the own properties and the prototype of `original`, and returns it. */
export function copyFunctionShape(wrapper: HostFunction, original: HostFunction): HostFunction {
  for (const key of Reflect.ownKeys(original)) {
    const descriptor = Object.getOwnPropertyDescriptor(original, key);
    if (descriptor === undefined) continue;
    const own = Object.getOwnPropertyDescriptor(wrapper, key);
    if (own === undefined || own.configurable) Object.defineProperty(wrapper, key, descriptor);
    else if (own.writable && 'value' in descriptor) Reflect.set(wrapper, key, descriptor.value);
  }
  const prototype: unknown = Object.getPrototypeOf(original);
  if (Object.getPrototypeOf(wrapper) !== prototype) Object.setPrototypeOf(wrapper, prototype as object); // a function has one
  return wrapper;
}

/** The source of a function, whatever it has for a `toString`. */
export function sourceOf(fn: object): string {
  return Function.prototype.toString.call(fn);
}

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

/** The function that a replacement has to call. Read `fn` at each call, because an inherited method may be replaced at any time. */
export interface Original {
  readonly fn: HostFunction;
}

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
  return wrapInherited(target, method, (original) => {
    if (!(original instanceof InheritedMethod)) return wrap(original.fn);
    const inherited = function (this: unknown): unknown {
      return Reflect.apply(original.fn, this, arguments);
    } as HostFunction;
    return wrap(copyFunctionShape(inherited, original.fn));
  });
}

/** A method that `target` only inherits. Its prototype is searched at each call: `domain`, for one, replaces `emit` of all emitters. */
class InheritedMethod implements Original {
  readonly #target: object;
  readonly #method: string;

  constructor(target: object, method: string) {
    this.#target = target;
    this.#method = method;
  }

  get fn(): HostFunction {
    return (Object.getPrototypeOf(this.#target) as Record<string, HostFunction>)[this.#method] as HostFunction; // found there when it was wrapped
  }
}

/** The same as `wrapMethod`, without an additional call for a method that `target` only inherits. For those that each request calls. */
export function wrapInherited(target: object, method: string, wrap: (original: Original) => HostFunction): Undo | null {
  const before = Object.getOwnPropertyDescriptor(target, method);
  const original: unknown = Reflect.get(target, method);
  if (typeof original !== 'function') return null;
  if (before === undefined ? !Object.isExtensible(target) : !before.writable || !before.configurable)
    return notWritable;
  const host = original as HostFunction; // checked above
  // The same module may be loaded by `require` and by `import`.
  if (wrapped.get(host) === true) return () => {};
  const wrapper = copyFunctionShape(
    wrap(before === undefined ? new InheritedMethod(target, method) : { fn: host }),
    host,
  );
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

// Ties one of our values to a host object without leaving a trace on it: no property, no map entry, nothing that keeps either alive.

class Identity {
  constructor(target: object) {
    // biome-ignore lint/correctness/noConstructorReturn: a base class that returns the object lets the subclass add its private field to it
    return target;
  }
}

/** Makes an independent stamp: a private field that can be put on any object, frozen ones included, and that nobody else sees. */
export interface Stamp<Value> {
  /** The value on `target`, or undefined. */
  of(target: object): Value | undefined;
  /** Puts the value on `target`, in place of an earlier one. */
  put(target: object, value: Value): void;
}

export function makeStamp<Value>(): Stamp<Value> {
  class Stamped extends Identity {
    #value: Value;

    constructor(target: object, value: Value) {
      super(target);
      this.#value = value;
    }

    static of(target: object): Value | undefined {
      return #value in target ? target.#value : undefined;
    }

    static put(target: object, value: Value): void {
      if (#value in target) target.#value = value;
      else new Stamped(target, value);
    }
  }
  return Stamped;
}

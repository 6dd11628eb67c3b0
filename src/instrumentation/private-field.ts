// Ties one of our values to a host object without leaving a trace on it: no property, no map entry, nothing that keeps either alive.

class Identity {
  constructor(target: object) {
    // biome-ignore lint/correctness/noConstructorReturn: a base class that returns the object lets the subclass add its private field to it
    return target;
  }
}

/** A private field that can be put on any object, frozen ones included, and that no other code sees. */
export interface PrivateField<Value> {
  /** The value on `target`, or undefined. */
  get(target: object): Value | undefined;
  /** Puts the value on `target`, in place of an earlier one. */
  set(target: object, value: Value): void;
}

/** Makes a field that is independent of all others. */
export function makePrivateField<Value>(): PrivateField<Value> {
  class Stamped extends Identity {
    #value: Value;

    constructor(target: object, value: Value) {
      super(target);
      this.#value = value;
    }

    static get(target: object): Value | undefined {
      return #value in target ? target.#value : undefined;
    }

    static set(target: object, value: Value): void {
      if (#value in target) target.#value = value;
      else new Stamped(target, value);
    }
  }
  return Stamped;
}

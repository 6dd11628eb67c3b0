// Attaches a value to an object of the application through a private field: no visible property, no map entry, no effect on its lifetime.

class Identity {
  constructor(target: object) {
    // biome-ignore lint/correctness/noConstructorReturn: a base class that returns the object lets the subclass add its private field to it
    return target;
  }
}

/** A private field that can be added to any object, even a frozen one, and that no other code can see. */
export interface PrivateField<Value> {
  /** The value on `target`, or undefined. */
  get(target: object): Value | undefined;
  /** Sets the value on `target`, and replaces an earlier one. */
  set(target: object, value: Value): void;
}

/** Makes a new field, which is independent of all others. */
export function makePrivateField<Value>(): PrivateField<Value> {
  class FieldHolder extends Identity {
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
      else new FieldHolder(target, value);
    }
  }
  return FieldHolder;
}

// Primitive values in a box, such as `new Number(1)`: objects that show nothing of what is in them.

import { primordials } from "./host.js";

const {
  BigIntPrototypeValueOf,
  BooleanPrototypeValueOf,
  NumberPrototypeValueOf,
  ObjectPrototypeToString,
  StringPrototypeValueOf,
  Symbol,
  SymbolPrototypeValueOf,
} = primordials;

const UNBOX = {
  __proto__: null,
  "[object BigInt]": BigIntPrototypeValueOf,
  "[object Boolean]": BooleanPrototypeValueOf,
  "[object Number]": NumberPrototypeValueOf,
  "[object String]": StringPrototypeValueOf,
  "[object Symbol]": SymbolPrototypeValueOf,
};

/** Stands for the content of an object that is no box. */
export const NOT_BOXED = Symbol("not boxed");

/** What is in a box; `NOT_BOXED` for any other object. */
export function unboxed(value) {
  try {
    const unbox = UNBOX[ObjectPrototypeToString(value)];
    return unbox === undefined ? NOT_BOXED : unbox(value);
  } catch {
    // It calls itself one, and is none.
    return NOT_BOXED;
  }
}

// The stand-ins that scripts write: `expect.any(String)`, `expect.objectContaining({...})` and the others.

import { asymmetric, inverted } from "./asymmetric.js";
import { enumerableKeys, equals } from "./equality.js";
import { functionName } from "./format.js";
import { isObject, misuse, primordials } from "./host.js";

const {
  ArrayIsArray,
  BigInt,
  Boolean,
  Function,
  FunctionPrototypeSymbolHasInstance,
  MathAbs,
  MathPow,
  Number,
  Object,
  ObjectFreeze,
  RegExp,
  RegExpPrototypeExec,
  SafeMap,
  String,
  StringPrototypeIncludes,
  Symbol,
} = primordials;

/** Constructors whose values are primitives, which `instanceof` does not know. */
const TYPE_OF = new SafeMap([
  [String, "string"],
  [Number, "number"],
  [Boolean, "boolean"],
  [BigInt, "bigint"],
  [Symbol, "symbol"],
  [Function, "function"],
]);

export function isInstance(value, constructor) {
  return FunctionPrototypeSymbolHasInstance(constructor, value);
}

/** Whether two numbers agree to `digits` decimal places, as `toBeCloseTo` means it. */
export function isClose(received, expected, digits) {
  if (received === expected) return true;
  return MathAbs(expected - received) < MathPow(10, -digits) / 2;
}

/** Whether a pattern, a part or a regular expression, is in the text. A regular expression's own position is kept. */
export function textMatches(text, pattern) {
  if (typeof pattern === "string") return StringPrototypeIncludes(text, pattern);
  return RegExpPrototypeExec(new RegExp(pattern.source, pattern.flags), text) !== null;
}

function anything() {
  return asymmetric(
    (value) => value !== null && value !== undefined,
    () => "anything",
  );
}

function any(constructor) {
  if (typeof constructor !== "function") {
    throw misuse("expect.any takes a class: write expect.any(String) or expect.any(Date)");
  }
  return asymmetric(
    (value) => {
      if (constructor === Object) return isObject(value);
      const type = TYPE_OF.get(constructor);
      return (type !== undefined && typeof value === type) || isInstance(value, constructor);
    },
    () => `any ${functionName(constructor)}`,
  );
}

function objectContaining(expected) {
  if (!isObject(expected)) throw misuse("expect.objectContaining takes an object of the properties that must be there");
  return asymmetric(
    (value) => {
      if (!isObject(value)) return false;
      const keys = enumerableKeys(expected);
      for (let i = 0; i < keys.length; i++) {
        if (!(keys[i] in value) || !equals(value[keys[i]], expected[keys[i]])) return false;
      }
      return true;
    },
    (inline) => `object containing ${inline(expected)}`,
  );
}

function arrayContaining(expected) {
  if (!ArrayIsArray(expected)) throw misuse("expect.arrayContaining takes an array of the items that must be there");
  return asymmetric(
    (value) => {
      if (!ArrayIsArray(value)) return false;
      for (let i = 0; i < expected.length; i++) if (!contains(value, expected[i])) return false;
      return true;
    },
    (inline) => `array containing ${inline(expected)}`,
  );
}

function arrayOf(expected) {
  return asymmetric(
    (value) => {
      if (!ArrayIsArray(value)) return false;
      for (let i = 0; i < value.length; i++) if (!equals(value[i], expected)) return false;
      return true;
    },
    (inline) => `array of ${inline(expected)}`,
  );
}

/** Whether an item of the array equals `item`. */
export function contains(array, item) {
  for (let i = 0; i < array.length; i++) if (equals(array[i], item)) return true;
  return false;
}

function stringContaining(part) {
  if (typeof part !== "string")
    throw misuse('expect.stringContaining takes a text: write expect.stringContaining("part")');
  return asymmetric(
    (value) => typeof value === "string" && StringPrototypeIncludes(value, part),
    (inline) => `string containing ${inline(part)}`,
  );
}

function stringMatching(pattern) {
  return asymmetric(
    (value) => typeof value === "string" && textMatches(value, pattern),
    (inline) => `string matching ${inline(pattern)}`,
  );
}

function closeTo(expected, digits = 2) {
  if (typeof expected !== "number")
    throw misuse("expect.closeTo takes a number and how many digits must agree: expect.closeTo(0.3, 5)");
  return asymmetric(
    (value) => typeof value === "number" && isClose(value, expected, digits),
    (inline) => `number close to ${inline(expected)}`,
  );
}

/** What `expect` carries. */
export const standIns = ObjectFreeze({
  __proto__: null,
  anything,
  any,
  objectContaining,
  arrayContaining,
  arrayOf,
  stringContaining,
  stringMatching,
  closeTo,
  not: ObjectFreeze({
    __proto__: null,
    objectContaining: (expected) => inverted(objectContaining(expected)),
    arrayContaining: (expected) => inverted(arrayContaining(expected)),
    arrayOf: (expected) => inverted(arrayOf(expected)),
    closeTo: (expected, digits) => inverted(closeTo(expected, digits)),
    stringContaining: (part) => inverted(stringContaining(part)),
    stringMatching: (pattern) => inverted(stringMatching(pattern)),
  }),
});

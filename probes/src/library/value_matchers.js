// The matchers of `expect` and `check` for values of every kind.
//
// A matcher takes what was received and its own arguments, and returns a verdict:
// `{ pass, to, about?, got?, detail?, failureClass? }`. The sentence is made of it in one place:
// `expected ABOUT to TO, got GOT` and below it the DETAIL. What is dear to say is a function, called on failure only.

import { core, isObject, misuse, primordials, readQuietly } from "./host.js";
import { asymmetricMatches, isAsymmetric } from "./asymmetric.js";
import { difference } from "./diff.js";
import { compare, equals } from "./equality.js";
import { functionName, inline } from "./format.js";
import { contains, isClose, isInstance, textMatches } from "./stand_ins.js";

const {
  ArrayIsArray,
  ArrayPrototypePush,
  NumberIsInteger,
  NumberIsNaN,
  ObjectIs,
  RegExpPrototypeSymbolReplace,
  SafeRegExp,
  SetPrototypeForEach,
  SetPrototypeHas,
  String,
  StringPrototypeIncludes,
  StringPrototypeSlice,
  StringPrototypeSplit,
} = primordials;

const INDEX = new SafeRegExp("\\[(\\d+)\\]", "g");

const TYPES = ["string", "number", "boolean", "bigint", "symbol", "undefined", "object", "function"];

function compared(received, expected, mode, to) {
  const { equal, first } = compare(received, expected, mode);
  return {
    pass: equal,
    to,
    detail: () => difference(expected, received, { first, subset: mode.subset }),
  };
}

/**
 * What a matcher adds to its verdict of a value that it cannot judge: that fails turned round too, since
 * `expect(undefined).not.toContain("error")` would otherwise pass for the wrong reason.
 */
function unfit(fits, kind) {
  return fits ? {} : { refused: true, detail: () => `it is no ${kind}` };
}

function ordered(name, received, bound, holds, words) {
  if (typeof bound !== "number" && typeof bound !== "bigint") {
    throw misuse(`${name} takes a number: write expect(elapsedMs).${name}(500); it was given ${inline(bound)}`);
  }
  const number = typeof received === "number" || typeof received === "bigint";
  return { ...unfit(number, "number"), pass: number && holds(received, bound), to: `be ${words} ${inline(bound)}` };
}

function pathOf(path) {
  if (ArrayIsArray(path)) return path;
  if (typeof path !== "string" || path === "") {
    throw misuse('toHaveProperty takes a path: write toHaveProperty("keys.0.alg") or toHaveProperty(["a.b", "c"])');
  }
  // `keys[0].alg` is `keys.0.alg`.
  const dotted = RegExpPrototypeSymbolReplace(INDEX, path, ".$1");
  return StringPrototypeSplit(dotted[0] === "." && path[0] === "[" ? StringPrototypeSlice(dotted, 1) : dotted, ".");
}

function thrownBy(received) {
  if (typeof received !== "function") {
    throw misuse(
      "toThrow needs a function to call: write expect(() => parse(text)).toThrow(), and for a promise " +
        "await expect(promise).rejects.toThrow()",
    );
  }
  try {
    received();
  } catch (error) {
    return { thrown: true, error };
  }
  return { thrown: false };
}

function thrownAsExpected(error, expected) {
  if (expected === undefined) return true;
  if (isAsymmetric(expected)) return asymmetricMatches(expected, error);
  if (typeof expected === "function") return isInstance(error, expected);
  const message = isObject(error) ? String(readQuietly(error, "message") ?? "") : String(error);
  if (typeof expected === "string" || core.isRegExp(expected)) return textMatches(message, expected);
  return message === readQuietly(expected, "message");
}

export const valueMatchers = {
  __proto__: null,

  toBe: (received, expected) => {
    const pass = ObjectIs(received, expected);
    const alike = !pass && isObject(received) && equals(received, expected);
    const detail = () =>
      alike ? "they are equal, but not the same object: use toEqual" : difference(expected, received);
    return { pass, to: () => `be ${inline(expected)}`, detail };
  },
  toEqual: (received, expected) => compared(received, expected, {}, () => `equal ${inline(expected)}`),
  toStrictEqual: (received, expected) =>
    compared(received, expected, { strict: true }, () => `strictly equal ${inline(expected)}`),
  toMatchObject: (received, expected) => {
    if (!isObject(expected)) throw misuse("toMatchObject takes an object of the properties that must match");
    if (!isObject(received)) return { pass: false, to: `match ${inline(expected)}` };
    return compared(received, expected, { subset: true }, () => `match ${inline(expected)}`);
  },

  toBeTruthy: (received) => ({ pass: !!received, to: "be truthy" }),
  toBeFalsy: (received) => ({ pass: !received, to: "be falsy" }),
  toBeNull: (received) => ({ pass: received === null, to: "be null" }),
  toBeUndefined: (received) => ({ pass: received === undefined, to: "be undefined" }),
  toBeDefined: (received) => ({ pass: received !== undefined, to: "be defined" }),
  toBeNaN: (received) => ({ pass: NumberIsNaN(received), to: "be NaN" }),

  toBeGreaterThan: (received, bound) => ordered("toBeGreaterThan", received, bound, (a, b) => a > b, "greater than"),
  toBeGreaterThanOrEqual: (received, bound) =>
    ordered("toBeGreaterThanOrEqual", received, bound, (a, b) => a >= b, "at least"),
  toBeLessThan: (received, bound) => ordered("toBeLessThan", received, bound, (a, b) => a < b, "less than"),
  toBeLessThanOrEqual: (received, bound) =>
    ordered("toBeLessThanOrEqual", received, bound, (a, b) => a <= b, "at most"),
  toBeCloseTo: (received, expected, digits = 2) => {
    if (typeof expected !== "number")
      throw misuse("toBeCloseTo takes a number and how many digits must agree: toBeCloseTo(0.3, 5)");
    const pass = typeof received === "number" && isClose(received, expected, digits);
    const to = `be close to ${inline(expected)} (${digits} digits)`;
    return { ...unfit(typeof received === "number", "number"), pass, to };
  },

  toMatch: (received, pattern) => {
    if (typeof pattern !== "string" && !core.isRegExp(pattern)) {
      throw misuse('toMatch takes a regular expression or a part of the text: toMatch(/^ok/) or toMatch("ok")');
    }
    const text = typeof received === "string";
    return { ...unfit(text, "text"), pass: text && textMatches(received, pattern), to: `match ${inline(pattern)}` };
  },
  toContain: (received, item) => {
    let pass = false;
    const list = ArrayIsArray(received) || core.isTypedArray(received);
    const fits = typeof received === "string" || core.isSet(received) || list;
    if (typeof received === "string") pass = StringPrototypeIncludes(received, String(item));
    else if (core.isSet(received)) pass = SetPrototypeHas(received, item);
    else if (list) for (let i = 0; i < received.length && !pass; i++) pass = ObjectIs(received[i], item);
    const alike = !pass && ArrayIsArray(received) && contains(received, item);
    return {
      pass,
      to: () => `contain ${inline(item)}`,
      detail: () => (alike ? "an equal item is there: use toContainEqual" : ""),
      ...unfit(fits, "text, array or Set"),
    };
  },
  toContainEqual: (received, item) => {
    let pass = ArrayIsArray(received) && contains(received, item);
    if (core.isSet(received)) SetPrototypeForEach(received, (candidate) => (pass ||= equals(candidate, item)));
    const fits = ArrayIsArray(received) || core.isSet(received);
    return { ...unfit(fits, "array or Set"), pass, to: () => `contain an item equal to ${inline(item)}` };
  },
  toHaveLength: (received, length) => {
    if (!NumberIsInteger(length)) throw misuse(`toHaveLength takes a whole number; it was given ${inline(length)}`);
    const got = typeof received === "string" ? received.length : readQuietly(received, "length");
    return {
      ...unfit(typeof got === "number", "text or array"),
      pass: got === length,
      to: `have length ${length}`,
      got: got === undefined ? "no length" : inline(got),
    };
  },
  toHaveProperty: (received, path, ...value) => {
    const keys = pathOf(path);
    const walked = [];
    let at = received;
    let found = true;
    for (let i = 0; i < keys.length && found; i++) {
      found = at !== null && at !== undefined && (isObject(at) ? keys[i] in at : at[keys[i]] !== undefined);
      if (found) {
        at = at[keys[i]];
        ArrayPrototypePush(walked, keys[i]);
      }
    }
    const to = `have property ${inline(path)}`;
    if (received === null || received === undefined) return { ...unfit(false, "object"), pass: false, to };
    if (value.length === 0) return { pass: found, to };
    const got = found ? inline(at) : "no such property";
    return { pass: found && equals(at, value[0]), to: `${to} equal to ${inline(value[0])}`, got };
  },

  toBeOneOf: (received, expected) => {
    if (!ArrayIsArray(expected)) throw misuse(`toBeOneOf takes an array: write toBeOneOf([200, 204]); it was given ${inline(expected)}`);
    return { pass: contains(expected, received), to: () => `be one of ${inline(expected)}` };
  },
  toSatisfy: (received, predicate) => {
    if (typeof predicate !== "function") {
      throw misuse(`toSatisfy takes a function: write toSatisfy((port) => port > 1024); it was given ${inline(predicate)}`);
    }
    return { pass: !!predicate(received), to: `satisfy ${functionName(predicate)}` };
  },

  toBeInstanceOf: (received, constructor) => {
    if (typeof constructor !== "function") throw misuse("toBeInstanceOf takes a class: write toBeInstanceOf(Error)");
    return { pass: isInstance(received, constructor), to: `be an instance of ${functionName(constructor)}` };
  },
  toBeTypeOf: (received, type) => {
    let known = false;
    for (let i = 0; i < TYPES.length; i++) known ||= TYPES[i] === type;
    if (!known) throw misuse(`toBeTypeOf takes what typeof says, such as "string"; it was given ${inline(type)}`);
    return { pass: typeof received === type, to: `be of type ${type}`, got: typeof received };
  },

  toThrow: (received, expected) => {
    const { thrown, error } = thrownBy(received);
    const what = typeof expected === "function" ? functionName(expected) : inline(expected);
    return {
      pass: thrown && thrownAsExpected(error, expected),
      about: "the call",
      to: expected === undefined ? "throw" : `throw ${what}`,
      got: thrown ? inline(error) : "no error",
    };
  },
};

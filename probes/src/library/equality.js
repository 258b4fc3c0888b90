// Deep equality, and where it first fails.
//
// `toEqual` ignores properties that are `undefined` and the class of an object, `toStrictEqual` neither;
// `toMatchObject` asks only for what the expected value names. Web objects whose state is hidden compare by what they
// show (`URL`, `Headers`, `FormData`) or by identity (`Response`, `Blob`, ...): never as two empty objects.

import { callQuietly, core, isObject, primordials, readQuietly } from "./host.js";
import { asymmetricMatches, isAsymmetric } from "./asymmetric.js";
import { NOT_BOXED, unboxed } from "./boxed.js";

const {
  ArrayBufferIsView,
  ArrayIsArray,
  ArrayPrototypeJoin,
  ArrayPrototypePop,
  ArrayPrototypePush,
  DatePrototypeGetTime,
  JSONStringify,
  MapPrototypeForEach,
  MapPrototypeGetSize,
  MapPrototypeHas,
  MapPrototypeGet,
  ObjectGetPrototypeOf,
  ObjectIs,
  ObjectPrototypeHasOwnProperty,
  ObjectPrototypePropertyIsEnumerable,
  RegExpPrototypeExec,
  RegExpPrototypeToString,
  ReflectOwnKeys,
  SafeSet,
  SetPrototypeForEach,
  SetPrototypeGetSize,
  SetPrototypeHas,
  String,
  Symbol,
  SymbolToStringTag,
  Uint8Array,
} = primordials;

/** A value nested deeper is called different rather than overflow the stack. */
const DEPTH_MAX = 200;

const OPAQUE = new SafeSet([
  "AbortSignal",
  "Blob",
  "CryptoKey",
  "File",
  "Promise",
  "ReadableStream",
  "Request",
  "Response",
  "WeakMap",
  "WeakRef",
  "WeakSet",
  "WritableStream",
]);
const SHOWN_AS_TEXT = new SafeSet(["URL", "URLSearchParams"]);
const SHOWN_AS_ENTRIES = new SafeSet(["FormData", "Headers"]);

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
const INDEX = /^\d+$/;

/** Stands for a value that is not there in a difference. */
export const NOTHING = Symbol("nothing");

/**
 * `{ equal, first }`, where `first` is the first difference: `{ path, received, expected }`, with a path such as
 * `.keys[0].alg`, empty where the values themselves differ.
 * @param {{ strict?: boolean, subset?: boolean }} mode
 */
export function compare(received, expected, mode = {}) {
  const state = { strict: mode.strict === true, subset: mode.subset === true, path: [], open: [], first: undefined };
  const equal = same(received, expected, state);
  return { equal, first: equal ? undefined : state.first };
}

export function equals(received, expected, mode) {
  return compare(received, expected, mode).equal;
}

function same(received, expected, state) {
  const equal = sameHere(received, expected, state);
  return equal || differs(received, expected, state);
}

/** Notes a difference, unless one was found before it; the innermost is found first. */
function differs(received, expected, state) {
  state.first ??= { path: ArrayPrototypeJoin(state.path, ""), received, expected };
  return false;
}

function sameHere(received, expected, state) {
  if (isAsymmetric(expected)) return asymmetricMatches(expected, received);
  if (isAsymmetric(received)) return asymmetricMatches(received, expected);
  if (ObjectIs(received, expected)) return true;
  if (!isObject(received) || !isObject(expected)) return false;
  if (typeof received === "function" || typeof expected === "function") return false;
  if (state.strict && ObjectGetPrototypeOf(received) !== ObjectGetPrototypeOf(expected)) return false;
  if (state.open.length >= 2 * DEPTH_MAX) return false;
  // A pair that is being compared already is a cycle in both: nothing new can be found there.
  for (let i = 0; i < state.open.length; i += 2) {
    if (state.open[i] === received && state.open[i + 1] === expected) return true;
  }
  ArrayPrototypePush(state.open, received, expected);
  const equal = sameObject(received, expected, state);
  ArrayPrototypePop(state.open);
  ArrayPrototypePop(state.open);
  return equal;
}

function sameObject(received, expected, state) {
  if (ArrayIsArray(received) !== ArrayIsArray(expected)) return false;
  if (ArrayIsArray(received)) return sameArray(received, expected, state);
  if (core.isDate(received) || core.isDate(expected)) {
    return (
      core.isDate(received) &&
      core.isDate(expected) &&
      ObjectIs(DatePrototypeGetTime(received), DatePrototypeGetTime(expected))
    );
  }
  if (core.isRegExp(received) || core.isRegExp(expected)) {
    return (
      core.isRegExp(received) &&
      core.isRegExp(expected) &&
      RegExpPrototypeToString(received) === RegExpPrototypeToString(expected)
    );
  }
  if (core.isNativeError(received) || core.isNativeError(expected)) {
    return (
      readQuietly(received, "name") === readQuietly(expected, "name") &&
      readQuietly(received, "message") === readQuietly(expected, "message")
    );
  }
  if (core.isMap(received) || core.isMap(expected)) {
    return core.isMap(received) && core.isMap(expected) && sameMap(received, expected, state);
  }
  if (core.isSet(received) || core.isSet(expected)) {
    return core.isSet(received) && core.isSet(expected) && sameSet(received, expected, state);
  }
  const boxed = unboxed(expected);
  if (boxed !== NOT_BOXED || unboxed(received) !== NOT_BOXED) return ObjectIs(unboxed(received), boxed);
  if (hasBytes(received) || hasBytes(expected)) {
    return hasBytes(received) && hasBytes(expected) && sameBytes(bytes(received), bytes(expected));
  }
  const tag = readQuietly(received, SymbolToStringTag);
  if (typeof tag === "string" && tag === readQuietly(expected, SymbolToStringTag)) {
    if (OPAQUE.has(tag)) return false;
    if (SHOWN_AS_TEXT.has(tag)) return String(received) === String(expected);
    if (SHOWN_AS_ENTRIES.has(tag)) return same(entries(received), entries(expected), state);
  }
  return sameProperties(received, expected, state);
}

function within(segment, state, compareThere) {
  ArrayPrototypePush(state.path, segment);
  const equal = compareThere();
  ArrayPrototypePop(state.path);
  return equal;
}

function sameArray(received, expected, state) {
  const length = received.length < expected.length ? received.length : expected.length;
  for (let i = 0; i < length; i++) {
    if (state.strict && i in received !== i in expected) return false;
    if (!within(`[${i}]`, state, () => same(received[i], expected[i], state))) return false;
  }
  if (received.length === expected.length) return true;
  const at = (array) => (length < array.length ? array[length] : NOTHING);
  return within(`[${length}]`, state, () => differs(at(received), at(expected), state));
}

function sameProperties(received, expected, state) {
  const keys = enumerableKeys(expected);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    const missing = !(key in received) && (state.strict || state.subset);
    const here = () => (missing ? differs(NOTHING, expected[key], state) : same(received[key], expected[key], state));
    if (!within(segment(key), state, here)) return false;
  }
  if (state.subset) return true;
  const others = enumerableKeys(received);
  for (let i = 0; i < others.length; i++) {
    const key = others[i];
    const surplus = !ObjectPrototypeHasOwnProperty(expected, key) && (state.strict || received[key] !== undefined);
    if (surplus) return within(segment(key), state, () => differs(received[key], NOTHING, state));
  }
  return true;
}

/** Each entry of one has its like in the other, both ways: one that is there twice makes up for no other. */
function sameMap(received, expected, state) {
  if (MapPrototypeGetSize(received) !== MapPrototypeGetSize(expected)) return false;
  let equal = true;
  MapPrototypeForEach(expected, (value, key) => {
    if (!equal) return;
    if (MapPrototypeHas(received, key)) {
      equal = same(MapPrototypeGet(received, key), value, state);
      return;
    }
    let found = false;
    MapPrototypeForEach(received, (candidate, candidateKey) => {
      found ||= alike(candidateKey, key, state) && alike(candidate, value, state);
    });
    equal = found;
  });
  MapPrototypeForEach(received, (value, key) => {
    if (!equal || MapPrototypeHas(expected, key)) return;
    let found = false;
    MapPrototypeForEach(expected, (candidate, candidateKey) => {
      found ||= alike(key, candidateKey, state) && alike(value, candidate, state);
    });
    equal = found;
  });
  return equal;
}

/** As for maps. */
function sameSet(received, expected, state) {
  if (SetPrototypeGetSize(received) !== SetPrototypeGetSize(expected)) return false;
  const has = (set, value, like) => {
    let found = SetPrototypeHas(set, value);
    if (!found) SetPrototypeForEach(set, (candidate) => (found ||= like(candidate)));
    return found;
  };
  let equal = true;
  SetPrototypeForEach(expected, (value) => {
    equal &&= has(received, value, (candidate) => alike(candidate, value, state));
  });
  SetPrototypeForEach(received, (value) => {
    equal &&= has(expected, value, (candidate) => alike(value, candidate, state));
  });
  return equal;
}

/** Equal in the manner of `state`, without a word about a difference: another item may be the like. */
function alike(received, expected, { strict, subset, open }) {
  return same(received, expected, { strict, subset, open, path: [], first: undefined });
}

function hasBytes(value) {
  return ArrayBufferIsView(value) || core.isAnyArrayBuffer(value);
}

function bytes(value) {
  return ArrayBufferIsView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

function sameBytes(received, expected) {
  if (received.length !== expected.length) return false;
  for (let i = 0; i < received.length; i++) if (received[i] !== expected[i]) return false;
  return true;
}

function entries(value) {
  const out = [];
  callQuietly(value, "forEach", (entry, name) => ArrayPrototypePush(out, [name, entry]));
  return out;
}

export function enumerableKeys(value) {
  const keys = ReflectOwnKeys(value);
  const out = [];
  for (let i = 0; i < keys.length; i++) {
    if (ObjectPrototypePropertyIsEnumerable(value, keys[i])) ArrayPrototypePush(out, keys[i]);
  }
  return out;
}

function segment(key) {
  if (typeof key === "symbol") return `[${String(key)}]`;
  if (RegExpPrototypeExec(INDEX, key) !== null) return `[${key}]`;
  return RegExpPrototypeExec(IDENTIFIER, key) !== null ? `.${key}` : `[${JSONStringify(key)}]`;
}

// Values as people read them in a failure's message: `inline` on one line, `lines` for a diff.
//
// A value under test may be hostile: cyclic, huge, a Proxy, full of getters that throw. So the description is bounded
// in depth, entries, nodes and characters; accessors are shown and not called; and whatever still throws is shown as
// such.

import { callQuietly, clip, core, hasQuietly, isPlainObject, primordials, readQuietly } from "./host.js";
import { describeAsymmetric, isAsymmetric } from "./asymmetric.js";
import { NOT_BOXED, unboxed } from "./boxed.js";

const {
  ArrayIsArray,
  ArrayPrototypeJoin,
  ArrayPrototypePush,
  ArrayPrototypeSort,
  DatePrototypeGetTime,
  DatePrototypeToISOString,
  JSONStringify,
  MapPrototypeForEach,
  NumberIsNaN,
  ObjectGetPrototypeOf,
  ObjectIs,
  ReflectGetOwnPropertyDescriptor,
  ReflectOwnKeys,
  RegExpPrototypeExec,
  RegExpPrototypeToString,
  SafeSet,
  SetPrototypeForEach,
  String,
  StringPrototypeSlice,
  StringPrototypeToUpperCase,
  SymbolPrototypeToString,
  SymbolToStringTag,
  TypedArrayPrototypeGetLength,
  TypedArrayPrototypeGetSymbolToStringTag,
} = primordials;

const INLINE_CHARACTERS_MAX = 120;
const INLINE_STRING_CHARACTERS_MAX = 80;
const STRING_CHARACTERS_MAX = 300;
const DEPTH_MAX = 8;
const ENTRIES_MAX = 60;
const NODES_MAX = 500;

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** One line, cut at about `charactersMax`. */
export function inline(value, charactersMax = INLINE_CHARACTERS_MAX) {
  return clip(renderInline(describe(value, INLINE_STRING_CHARACTERS_MAX)), charactersMax);
}

/** One line for each leaf, keys sorted, so that two descriptions can be compared line by line. */
export function lines(value) {
  const out = [];
  renderLines(describe(value, STRING_CHARACTERS_MAX), "", "", "", out);
  return out;
}

/** A tree of `{ text }` leaves and `{ open, close, entries: [{ label, node }], hidden }` branches. */
function describe(value, stringCharactersMax) {
  return node(value, { nodes: 0, open: new SafeSet(), stringCharactersMax }, 0);
}

function node(value, state, depth) {
  state.nodes++;
  try {
    return primitive(value, state) ?? leaf(value) ?? branch(value, state, depth);
  } catch (error) {
    return { text: `[threw ${clip(text(error, "message", typeof error), 80)}]` };
  }
}

function primitive(value, { stringCharactersMax }) {
  switch (typeof value) {
    case "string":
      return { text: quoted(value, stringCharactersMax) };
    case "number":
      return { text: ObjectIs(value, -0) ? "-0" : String(value) };
    case "bigint":
      return { text: `${clip(String(value), STRING_CHARACTERS_MAX)}n` };
    case "symbol":
      return { text: SymbolPrototypeToString(value) };
    case "undefined":
    case "boolean":
      return { text: String(value) };
    case "function":
      return { text: `[Function ${functionName(value)}]` };
    default:
      return value === null ? { text: "null" } : undefined;
  }
}

function quoted(text, charactersMax) {
  if (text.length <= charactersMax) return JSONStringify(text);
  return `${JSONStringify(clip(text, charactersMax))} (${text.length} characters)`;
}

/** The name of a box: `Number` of a number. */
function boxOf(primitive) {
  const type = typeof primitive;
  return type === "bigint" ? "BigInt" : `${StringPrototypeToUpperCase(type[0])}${StringPrototypeSlice(type, 1)}`;
}

/** Objects that are better named than opened. */
function leaf(value) {
  if (isAsymmetric(value)) return { text: describeAsymmetric(value, inline) };
  if (core.isDate(value)) {
    return { text: NumberIsNaN(DatePrototypeGetTime(value)) ? "Invalid Date" : DatePrototypeToISOString(value) };
  }
  if (core.isRegExp(value)) return { text: RegExpPrototypeToString(value) };
  if (core.isPromise(value)) return { text: "Promise {}" };
  if (core.isNativeError(value)) {
    return { text: `[${text(value, "name", "Error")}: ${text(value, "message", "")}]` };
  }
  const boxed = unboxed(value);
  if (boxed !== NOT_BOXED) return { text: `[${boxOf(boxed)}: ${inline(boxed, 200)}]` };
  if (isResponse(value)) return { text: `Response { status: ${value.status}, url: ${quoted(value.url, 200)} }` };
  const tag = readQuietly(value, SymbolToStringTag);
  if (tag === "URL") return { text: `URL ${JSONStringify(text(value, "href", ""))}` };
  return undefined;
}

function branch(value, state, depth) {
  if (state.open.has(value)) return { text: "[Circular]" };
  if (depth >= DEPTH_MAX || state.nodes >= NODES_MAX) return { text: ArrayIsArray(value) ? "[…]" : "{…}" };
  state.open.add(value);
  const entries = [];
  let hidden = 0;
  const add = (label, child) => {
    if (entries.length >= ENTRIES_MAX || state.nodes >= NODES_MAX) hidden++;
    else ArrayPrototypePush(entries, { label, node: child() });
  };
  const nested = (child) => () => node(child, state, depth + 1);
  let open = "{";
  let close = "}";
  if (ArrayIsArray(value)) {
    open = "[";
    close = "]";
    const shown = value.length > ENTRIES_MAX ? ENTRIES_MAX : value.length;
    for (let i = 0; i < shown; i++) add("", () => property(value, String(i), state, depth));
    hidden += value.length - shown;
  } else if (core.isTypedArray(value)) {
    const length = TypedArrayPrototypeGetLength(value);
    open = `${TypedArrayPrototypeGetSymbolToStringTag(value)}(${length}) [`;
    close = "]";
    const shown = length > ENTRIES_MAX ? ENTRIES_MAX : length;
    for (let i = 0; i < shown; i++) add("", nested(value[i]));
    hidden += length - shown;
  } else if (core.isMap(value)) {
    open = "Map {";
    MapPrototypeForEach(value, (child, key) => add(`${inline(key, 60)} => `, nested(child)));
  } else if (core.isSet(value)) {
    open = "Set {";
    SetPrototypeForEach(value, (child) => add("", nested(child)));
  } else if (isHeaders(value)) {
    open = "Headers {";
    callQuietly(value, "forEach", (child, name) => add(`${key(name)}: `, nested(child)));
  } else {
    const name = className(value);
    if (name !== "") open = `${name} {`;
    const keys = ReflectOwnKeys(value);
    const shown = keys.length > ENTRIES_MAX ? ENTRIES_MAX : keys.length;
    for (let i = 0; i < shown; i++) {
      if (ReflectGetOwnPropertyDescriptor(value, keys[i])?.enumerable) {
        add(`${key(keys[i])}: `, () => property(value, keys[i], state, depth));
      }
    }
    hidden += keys.length - shown;
  }
  state.open.delete(value);
  return { open, close, entries, hidden };
}

/** An own property without running a getter. */
function property(value, name, state, depth) {
  const descriptor = ReflectGetOwnPropertyDescriptor(value, name);
  if (descriptor === undefined) return { text: "<empty>" };
  if (descriptor.get !== undefined) return { text: "[Getter]" };
  return node(descriptor.value, state, depth + 1);
}

function text(value, name, otherwise) {
  const read = readQuietly(value, name);
  return typeof read === "string" ? clip(read, STRING_CHARACTERS_MAX) : otherwise;
}

function key(name) {
  if (typeof name === "symbol") return `[${SymbolPrototypeToString(name)}]`;
  return RegExpPrototypeExec(IDENTIFIER, name) !== null ? name : JSONStringify(clip(name, 100));
}

export function functionName(fn) {
  const name = readQuietly(fn, "name");
  return typeof name === "string" && name !== "" ? clip(name, 60) : "(anonymous)";
}

function className(value) {
  if (isPlainObject(value)) return "";
  const constructor = readQuietly(ObjectGetPrototypeOf(value), "constructor");
  return typeof constructor === "function" ? functionName(constructor) : "Object";
}

/** Anything with the face of a `Response`, the real one included. */
/** The URL is not read, since a response parses it anew each time. */
export function isResponse(value) {
  return (
    typeof readQuietly(value, "status") === "number" &&
    hasQuietly(value, "url") &&
    isHeaders(readQuietly(value, "headers"))
  );
}

function isHeaders(value) {
  return typeof readQuietly(value, "get") === "function" && typeof readQuietly(value, "getSetCookie") === "function";
}

function renderInline(described) {
  if (described.text !== undefined) return described.text;
  const { open, close, entries, hidden } = described;
  if (entries.length === 0) return `${open}${hidden > 0 ? "…" : ""}${close}`;
  const parts = [];
  for (let i = 0; i < entries.length; i++) ArrayPrototypePush(parts, entries[i].label + renderInline(entries[i].node));
  if (hidden > 0) ArrayPrototypePush(parts, `… ${hidden} more`);
  const joined = ArrayPrototypeJoin(parts, ", ");
  return close === "]" ? `${open}${joined}${close}` : `${open} ${joined} ${close}`;
}

function renderLines(described, indent, label, end, out) {
  if (described.text !== undefined) {
    ArrayPrototypePush(out, `${indent}${label}${described.text}${end}`);
    return;
  }
  const { open, close, entries, hidden } = described;
  if (entries.length === 0) {
    ArrayPrototypePush(out, `${indent}${label}${open}${hidden > 0 ? "…" : ""}${close}${end}`);
    return;
  }
  // Entries with a label can change places without changing what is said.
  ArrayPrototypeSort(entries, (a, b) => (a.label < b.label ? -1 : a.label > b.label ? 1 : 0));
  ArrayPrototypePush(out, `${indent}${label}${open}`);
  const deeper = `${indent}  `;
  for (let i = 0; i < entries.length; i++) renderLines(entries[i].node, deeper, entries[i].label, ",", out);
  if (hidden > 0) ArrayPrototypePush(out, `${deeper}… ${hidden} more`);
  ArrayPrototypePush(out, `${indent}${close}${end}`);
}

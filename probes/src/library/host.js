// The only file of the library that knows its host: the operations it calls, and the intrinsics as they were before
// a script could patch them. Everything else imports from here.

import { core, internals, primordials } from "ext:core/mod.js";

export { core, internals, primordials };

/** Operations that the sandbox serves; all are synchronous and bounded on the other side. */
export const ops = core.ops;

const {
  ArrayIsArray,
  FunctionPrototypeCall,
  ObjectDefineProperty,
  ObjectGetPrototypeOf,
  ObjectPrototype,
  ReflectGet,
  ReflectHas,
  SafeWeakSet,
  StringPrototype,
  StringPrototypeSlice,
  TypeError,
} = primordials;

// QuickJS makes a template literal of calls to this method, looked up by its name: replaced, it would break every
// message that is put together here and in the web globals.
ObjectDefineProperty(StringPrototype, "concat", { __proto__: null, writable: false, configurable: false });

export function isObject(value) {
  return value !== null && (typeof value === "object" || typeof value === "function");
}

export function isPlainObject(value) {
  if (value === null || typeof value !== "object" || ArrayIsArray(value)) return false;
  const prototype = ObjectGetPrototypeOf(value);
  return prototype === null || prototype === ObjectPrototype;
}

/** The property, or `undefined` where reading it throws: a value under test may be hostile. */
export function readQuietly(value, key) {
  try {
    return isObject(value) ? ReflectGet(value, key) : undefined;
  } catch {
    return undefined;
  }
}

export function hasQuietly(value, key) {
  try {
    return isObject(value) && ReflectHas(value, key);
  } catch {
    return false;
  }
}

/** What `value[method](...)` returns, or `undefined` where there is no such method or it throws. */
export function callQuietly(value, method, argument) {
  const fn = readQuietly(value, method);
  if (typeof fn !== "function") return undefined;
  try {
    return FunctionPrototypeCall(fn, value, argument);
  } catch {
    return undefined;
  }
}

export function isThenable(value) {
  return typeof readQuietly(value, "then") === "function";
}

/** At most `charactersMax` characters, and `…` where that cuts. */
export function clip(text, charactersMax) {
  return text.length <= charactersMax ? text : `${StringPrototypeSlice(text, 0, charactersMax)}…`;
}

/** Errors in how the library is used: they belong to the script, not to the target. */
const misuses = new SafeWeakSet();

export function misuse(message) {
  const error = new TypeError(message);
  misuses.add(error);
  return error;
}

export function isMisuse(error) {
  return isObject(error) && misuses.has(error);
}

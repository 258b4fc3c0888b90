// What the process calls: make ready, start a run, read a definition, end a run. A script never sees this file.
//
// Everything a script hands over may be hostile: getters that throw, proxies, values frozen or replaced. What is
// read from it is read once, guarded, and given to the operations as plain strings; intrinsics are taken from
// `primordials`, as they were before any script ran.

import { core, internals, primordials } from "ext:core/mod.js";
import "ext:tocsin_host/locale.js";
import * as library from "ext:tocsin_library/tocsin.js";
import * as auth from "ext:tocsin_library/auth/auth.js";
import * as http from "ext:tocsin_library/http/http.js";
import * as net from "ext:tocsin_library/net/net.js";
import { converse, overheard } from "ext:tocsin_host/prompt.js";
import { AbortController, DOMException, forbidNetwork, inspect, preload } from "ext:tocsin_host/web_globals.js";

const {
  ArrayIsArray,
  ArrayPrototypePush,
  BigIntPrototypeToString,
  ErrorPrototype,
  JSONParse,
  JSONStringify,
  NumberIsFinite,
  ObjectDefineProperty,
  ObjectKeys,
  ObjectPrototypeIsPrototypeOf,
  Proxy,
  ReflectApply,
  ReflectConstruct,
  ReflectGet,
  String,
  StringPrototypeRepeat,
  StringPrototypeSlice,
  Symbol,
  SymbolFor,
  SymbolPrototypeToString,
  SyntaxError,
  Uint32Array,
} = primordials;
const { ops } = core;

const CLASS = SymbolFor("tocsin.class");
const CHECK = SymbolFor("tocsin.check");
const CAUSES_MAX = 4;

function read(value, key) {
  try {
    return ReflectGet(value, key);
  } catch {
    return undefined;
  }
}

function readText(value, key) {
  const text = read(value, key);
  return typeof text === "string" ? text : "";
}

function isObject(value) {
  return value !== null && (typeof value === "object" || typeof value === "function");
}

function isError(value) {
  try {
    return isObject(value) && ObjectPrototypeIsPrototypeOf(ErrorPrototype, value);
  } catch {
    return false;
  }
}

/** Any value as a short text. */
function show(value) {
  try {
    switch (typeof value) {
      case "string":
        return value;
      case "symbol":
        return SymbolPrototypeToString(value);
      case "bigint":
        return `${BigIntPrototypeToString(value)}n`;
      case "object":
      case "function":
        return inspect(value, { depth: 2, compact: true, breakLength: 200, iterableLimit: 20, strAbbreviateSize: 200 });
      default:
        return String(value);
    }
  } catch {
    return "a value that cannot be shown";
  }
}

function ownClass(error) {
  const named = readText(error, CLASS);
  if (named !== "") return named;
  try {
    // What `AbortSignal.timeout()` aborts with: the script gave the network less time than the run has.
    const isTimeout = ObjectPrototypeIsPrototypeOf(DOMException.prototype, error) && error.name === "TimeoutError";
    return isTimeout ? "network-timeout" : "";
  } catch {
    return "";
  }
}

/** Tells the process what was thrown, and where. */
function fail(thrown, kind) {
  if (!isError(thrown) && !isObject(thrown)) {
    ops.op_run_failed(kind, "", `threw ${typeof thrown === "string" ? JSONStringify(thrown) : show(thrown)}, which is no Error and has no stack`, "", "");
    return;
  }
  if (!isError(thrown) && readText(thrown, "message") === "") {
    ops.op_run_failed(kind, "", `threw ${show(thrown)}, which is no Error and has no stack`, "", ownClass(thrown));
    return;
  }
  let stack = readText(thrown, "stack");
  let failureClass = ownClass(thrown);
  let error = thrown;
  for (let i = 0; i < CAUSES_MAX; i++) {
    error = read(error, "cause");
    if (!isObject(error)) break;
    stack += `\nCaused by: ${readText(error, "stack") || readText(error, "message") || show(error)}`;
    // An error that a script wraps in its own keeps the class of what it wraps.
    if (failureClass === "") failureClass = ownClass(error);
  }
  ops.op_run_failed(kind, readText(thrown, "name"), readText(thrown, "message"), stack, failureClass);
}

// QuickJS seeds Math.random once for each process that starts, and a run is a fork of it: without seeds of its own
// every run would draw the same numbers. sfc32, http://pracrand.sourceforge.net/.
const seed = new Uint32Array(4);
ObjectDefineProperty(globalThis.Math, "random", {
  __proto__: null,
  configurable: true,
  writable: true,
  value: function random() {
    const sum = (seed[0] + seed[1] + seed[3]) >>> 0;
    seed[3] = seed[3] + 1;
    seed[0] = seed[1] ^ (seed[1] >>> 9);
    seed[1] = seed[2] + (seed[2] << 3);
    seed[2] = ((seed[2] << 21) | (seed[2] >>> 11)) + sum;
    return sum / 4294967296;
  },
});

// Made before any run: what is made once for all need not be made by each.
const controller = new AbortController();
let hasPrompt = false;

core.setUnhandledPromiseRejectionHandler((_promise, reason) => {
  if (hasPrompt) overheard(reason);
  else if (internals.tocsinIsSkip(reason)) ops.op_run_skipped();
  else fail(reason, "unhandled");
  return true;
});

function begin(a, b, c, d, mayUseNetwork, clockMs) {
  seed[0] = a;
  seed[1] = b;
  seed[2] = c;
  seed[3] = d;
  if (!mayUseNetwork) forbidNetwork();
  if (clockMs !== 0) setClock(clockMs);
}

/** A run on a recording takes place when the recorded one did: tokens are as old as they were then. */
function setClock(offsetMs) {
  const Machine = globalThis.Date;
  const machineNow = Machine.now;
  const now = () => machineNow() + offsetMs;
  ObjectDefineProperty(Machine, "now", { __proto__: null, value: now, writable: true, configurable: true });
  const Shifted = new Proxy(Machine, {
    __proto__: null,
    apply: () => String(new Machine(now())),
    construct: (target, given, made) => ReflectConstruct(target, given.length === 0 ? [now()] : given, made),
  });
  ObjectDefineProperty(globalThis, "Date", { __proto__: null, value: Shifted, writable: true, configurable: true });
  ObjectDefineProperty(Machine.prototype, "constructor", { __proto__: null, value: Shifted, writable: true, configurable: true });
}

function isCheck(exported) {
  return isObject(exported) && read(exported, CHECK) === true;
}

/** What a script that is a function is given; see script/function.rs. A name that a module lacks is told as for modules. */
const importable = { __proto__: null };

function makeImportable(name) {
  const missing = new Proxy({ __proto__: null }, {
    __proto__: null,
    get(_target, key) {
      throw new SyntaxError(`The requested module '${name}' does not provide an export named '${String(key)}'`);
    },
  });
  importable[name] = { __proto__: missing, ...internals.tocsinModules[name] };
}

function load(script) {
  const given = { __proto__: importable, default: undefined };
  script(given);
  return given.default;
}

async function run(loaded, isFunction, orderJson) {
  let exported = loaded;
  if (isFunction) {
    try {
      exported = load(loaded);
    } catch (thrown) {
      fail(thrown, "thrown");
      return;
    }
  }
  if (!isCheck(exported)) {
    ops.op_run_failed("no-check", "", show(exported), "", "");
    return;
  }
  const order = JSONParse(orderJson);
  const context = internals.tocsinContext(order, controller.signal);
  let returned;
  try {
    hasPrompt = order.hasPrompt;
    returned = await (hasPrompt ? converse(context) : ReflectApply(exported.run, exported, [context]));
  } catch (thrown) {
    if (internals.tocsinIsSkip(thrown)) ops.op_run_skipped();
    else fail(thrown, "thrown");
    return;
  }
  const unfinished = internals.tocsinUnfinished();
  if (unfinished !== undefined) {
    fail(unfinished, "thrown");
    return;
  }
  try {
    if (isObject(returned) || typeof returned === "bigint") JSONStringify(returned);
  } catch (thrown) {
    ops.op_run_failed("returned", readText(thrown, "name"), readText(thrown, "message") || show(thrown), "", "");
    return;
  }
  ops.op_run_passed();
}

/** The run's time is over: what waits for `ctx.signal` gets a moment to unwind. */
function abort() {
  controller.abort(new DOMException("the run's time is over", "TimeoutError"));
}

/** A value of a definition as JSON that keeps apart what JSON would blur. */
function plain(value, depth) {
  switch (typeof value) {
    case "undefined":
      return undefined;
    case "string":
    case "boolean":
      return value;
    case "number":
      return NumberIsFinite(value) ? value : { $unfit: show(value) };
    case "function":
      return { $function: true };
    case "object":
      if (value === null) return null;
      if (depth > 0 && ArrayIsArray(value)) {
        const items = [];
        const length = value.length < 1000 ? value.length : 1000;
        for (let i = 0; i < length; i++) items[i] = plain(value[i], depth - 1) ?? { $unfit: "undefined" };
        return items;
      }
      if (depth > 1) {
        const copy = {};
        const keys = ObjectKeys(value);
        for (let i = 0; i < keys.length && i < 100; i++) copy[keys[i]] = plain(value[keys[i]], depth - 1) ?? { $unfit: "undefined" };
        return copy;
      }
      return { $unfit: show(value) };
    default:
      return { $unfit: show(value) };
  }
}

function describe(loaded, isFunction) {
  try {
    const exported = isFunction ? load(loaded) : loaded;
    if (!isCheck(exported)) {
      const keys = isObject(exported) && !ArrayIsArray(exported) && typeof exported !== "function" ? ObjectKeys(exported) : [];
      ops.op_described(JSONStringify({ kind: exported === undefined ? "nothing" : "other", shown: show(exported), keys }));
      return;
    }
    const fields = {};
    const keys = ObjectKeys(exported);
    for (let i = 0; i < keys.length && i < 100; i++) {
      const value = plain(exported[keys[i]], keys[i] === "secrets" ? 3 : 1);
      if (value !== undefined) fields[keys[i]] = value;
    }
    ops.op_described(JSONStringify({ kind: "check", fields }));
  } catch (thrown) {
    fail(thrown, "thrown");
  }
}

// What `import ... from "tocsin"` gets, and from the library's other modules; see script/library.rs.
internals.tocsinModules = {
  __proto__: null,
  "tocsin": { __proto__: null, ...library },
  "tocsin/auth": { __proto__: null, ...auth },
  "tocsin/http": { __proto__: null, ...http },
  "tocsin/net": { __proto__: null, ...net },
};
core.loadExtScript("ext:tocsin_host/library.js");
core.loadExtScript("ext:tocsin_host/auth.js");
core.loadExtScript("ext:tocsin_host/http.js");
core.loadExtScript("ext:tocsin_host/net.js");

for (const name of ObjectKeys(internals.tocsinModules)) makeImportable(name);

/** Never let go of; see holes.rs. */
const held = [];
let heldCount = 0;
const FILLER = StringPrototypeRepeat("-", 512);

/** Makes room for as many values, so that nothing but they is allocated later; and so many names. */
function reserve(count, names) {
  for (let i = 0; i < count; i++) ArrayPrototypePush(held, undefined);
  for (let i = 0; i < names; i++) held[heldCount++] = Symbol();
}

/** Makes so many strings of this length; false when there is no more room. */
function hold(length, count) {
  for (let i = 0; i < count && heldCount < held.length; i++) held[heldCount++] = StringPrototypeSlice(FILLER, 0, length);
  return heldCount < held.length;
}

globalThis[SymbolFor("tocsin.host")] = { __proto__: null, preload, reserve, hold, begin, run, abort, describe };

delete globalThis.Deno;
delete globalThis.__bootstrap;

// What every function of `tocsin/net` shares: its options, where it connects to, and errors that know the author's line.

import { core, internals, isObject, misuse, ops, primordials } from "ext:tocsin_library/host.js";
import { inline } from "ext:tocsin_library/format.js";
import { insideRun, milliseconds } from "ext:tocsin_library/run_state.js";

const {
  Error,
  JSONParse,
  NumberIsInteger,
  ObjectDefineProperty,
  ObjectKeys,
  PromisePrototypeThen,
  ReflectApply,
  RegExpPrototypeExec,
  StringPrototypeIncludes,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  TypedArrayPrototypeGetSymbolToStringTag,
} = primordials;

const ADDRESS = /^(\[[^\]]+\]|[^\s:/[\]@]+):(\d{1,5})$/;

/** `{ host, port }` of "host:port" or of such an object; `port` may be left out where there is a usual one. */
export function addressOf(address, call, usualPort) {
  const written = `write ${call}("example.com:${usualPort ?? 443}"); it was given ${inline(address)}`;
  let host;
  let port;
  if (typeof address === "string") {
    const parts = RegExpPrototypeExec(ADDRESS, address);
    if (parts !== null) {
      host = parts[1];
      port = +parts[2];
    } else if (usualPort !== undefined && StringPrototypeIndexOf(address, "/") < 0) {
      host = address;
      port = usualPort;
    }
  } else if (isObject(address)) {
    host = address.host;
    port = address.port ?? usualPort;
  }
  if (typeof host !== "string" || host === "" || !NumberIsInteger(port) || port < 1 || port > 65535) {
    throw misuse(`${call} takes an address with a port: ${written}`);
  }
  const bare = StringPrototypeIndexOf(host, ":") >= 0 && host[0] !== "[";
  return { host: bare ? `[${host}]` : host, port };
}

/** The options of `call`, which has these and no others. */
export function optionsOf(options, call, names) {
  insideRun(call);
  if (options === undefined) return {};
  if (!isObject(options)) throw misuse(`${call} takes its options as an object; it was given ${inline(options)}`);
  const keys = ObjectKeys(options);
  for (let i = 0; i < keys.length; i++) {
    let known = false;
    let all = "";
    for (let k = 0; k < names.length; k++) {
      known ||= names[k] === keys[i];
      all += k === 0 ? names[k] : `, ${names[k]}`;
    }
    if (!known) throw misuse(`${call} has no option ${inline(keys[i])}; it has ${all}`);
  }
  return options;
}

/** Milliseconds of a `timeout` option; 0 means the run's own time. */
export function timeoutOf({ timeout }, call) {
  return timeout === undefined ? 0 : milliseconds(timeout, `the \`timeout\` of ${call}`);
}

/** The operation's promise, its result parsed, its error with the stack of this call; it belongs to the current step. */
export function asked(operation) {
  const call = new Error();
  ops.op_step_current(internals.tocsinStep());
  return PromisePrototypeThen(operation(), undefined, (error) => {
    throw located(error, call);
  });
}

export async function askedJson(operation) {
  return JSONParse(await asked(operation));
}

/** `fn` with errors that have the stack of its call: after a first `await` of its own, no author's line is on the stack. */
export function placed(fn) {
  return {
    [fn.name](...args) {
      const call = new Error();
      return PromisePrototypeThen(ReflectApply(fn, undefined, args), undefined, (error) => {
        throw located(error, call);
      });
    },
  }[fn.name];
}

/** The URLs of scripts begin with this. */
const AUTHORS_OWN = "check:///";

function located(error, call) {
  if (core.isNativeError(error) && !StringPrototypeIncludes(`${error.stack}`, AUTHORS_OWN)) {
    const firstFrame = StringPrototypeIndexOf(call.stack, "\n");
    const frames = firstFrame < 0 ? "" : StringPrototypeSlice(call.stack, firstFrame);
    ObjectDefineProperty(error, "stack", {
      __proto__: null,
      value: `${error.name}: ${error.message}${frames}`,
      writable: true,
      configurable: true,
    });
  }
  return error;
}

const encoding = () => core.loadExtScript("ext:deno_web/08_text_encoding.js");

export function textOf(bytes) {
  const { TextDecoder } = encoding();
  return new TextDecoder().decode(bytes);
}

/** What is sent: a text as UTF-8, or bytes. */
export function bytesOf(data, call) {
  if (typeof data === "string") {
    const { TextEncoder } = encoding();
    return new TextEncoder().encode(data);
  }
  if (core.isTypedArray(data) && TypedArrayPrototypeGetSymbolToStringTag(data) === "Uint8Array") return data;
  throw misuse(`${call} sends a text or a Uint8Array; it was given ${inline(data)}`);
}

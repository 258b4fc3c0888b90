// The web platform as a script sees it: deno's implementations, put on the global object.
//
// Most of them are loaded when first touched; `preload` touches them all, so that the process that forks holds them
// ready and a run pays for none.

import { core, internals, primordials } from "ext:core/mod.js";
import { fetch, preload as preloadFetch } from "ext:tocsin_fetch/fetch.js";

const { ObjectDefineProperty, ObjectSetPrototypeOf, PromiseReject, TypeError } = primordials;
const { ops } = core;

let isNetworkForbidden = false;

export function forbidNetwork() {
  isNetworkForbidden = true;
}

// A request belongs to the step that made it; see op_soft_failure below. deno's `fetch` calls its operation before it
// returns, so that what is said here still holds there.
function measuredFetch(input, init = undefined) {
  if (isNetworkForbidden) {
    return PromiseReject(new TypeError("there is no network while a script is evaluated: fetch inside `run`"));
  }
  ops.op_step_current(internals.tocsinStep());
  return fetch(input, init);
}
ObjectDefineProperty(measuredFetch, "name", { __proto__: null, value: "fetch", configurable: true });

const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const consoles = core.loadExtScript("ext:deno_web/01_console.js");
const { DOMException, QuotaExceededError } = core.loadExtScript("ext:deno_web/01_dom_exception.js");
const event = core.loadExtScript("ext:deno_web/02_event.js");
const url = core.loadExtScript("ext:deno_web/00_url.js");
const abortSignal = core.loadExtScript("ext:deno_web/03_abort_signal.js");

const loaders = [];

function lazy(specifier) {
  let loaded;
  const load = () => loaded ?? (loaded = core.loadExtScript(specifier));
  loaders[loaders.length] = load;
  return load;
}

const timers = lazy("ext:deno_web/02_timers.js");
const base64 = lazy("ext:deno_web/05_base64.js");
const encoding = lazy("ext:deno_web/08_text_encoding.js");
const streams = lazy("ext:deno_web/06_streams.js");
const file = lazy("ext:deno_web/09_file.js");
const fileReader = lazy("ext:deno_web/10_filereader.js");
const messagePort = lazy("ext:deno_web/13_message_port.js");
const compression = lazy("ext:deno_web/14_compression.js");
const performance = lazy("ext:deno_web/15_performance.js");
const urlPattern = lazy("ext:deno_web/01_urlpattern.js");
const crypto = lazy("ext:deno_crypto/00_crypto.js");
const headers = lazy("ext:deno_fetch/20_headers.js");
const formData = lazy("ext:deno_fetch/21_formdata.js");
const request = lazy("ext:deno_fetch/23_request.js");
const response = lazy("ext:deno_fetch/23_response.js");

const globals = { __proto__: null };

function define(module, ...names) {
  for (const name of names) globals[name] = core.propNonEnumerable(module[name]);
}

function defineLazy(load, ...names) {
  for (const name of names) globals[name] = core.propNonEnumerableLazyLoaded((module) => module[name], load);
}

function defineWritable(load, ...names) {
  for (const name of names) globals[name] = core.propWritableLazyLoaded((module) => module[name], load);
}

globals.console = core.propNonEnumerable(new consoles.Console((text, level) => ops.op_log(text, level)));
define(abortSignal, "AbortController", "AbortSignal");
define(
  event,
  "CloseEvent",
  "CustomEvent",
  "ErrorEvent",
  "Event",
  "EventTarget",
  "MessageEvent",
  "ProgressEvent",
  "PromiseRejectionEvent",
);
define(url, "URL", "URLSearchParams");
globals.DOMException = core.propNonEnumerable(DOMException);
globals.QuotaExceededError = core.propNonEnumerable(QuotaExceededError);
defineLazy(urlPattern, "URLPattern");
defineLazy(encoding, "TextDecoder", "TextDecoderStream", "TextEncoder", "TextEncoderStream");
defineLazy(
  streams,
  "ByteLengthQueuingStrategy",
  "CountQueuingStrategy",
  "ReadableByteStreamController",
  "ReadableStream",
  "ReadableStreamBYOBReader",
  "ReadableStreamBYOBRequest",
  "ReadableStreamDefaultController",
  "ReadableStreamDefaultReader",
  "TransformStream",
  "TransformStreamDefaultController",
  "WritableStream",
  "WritableStreamDefaultController",
  "WritableStreamDefaultWriter",
);
defineLazy(compression, "CompressionStream", "DecompressionStream");
defineLazy(file, "Blob", "File");
defineLazy(fileReader, "FileReader");
defineLazy(messagePort, "MessageChannel", "MessagePort");
defineLazy(
  performance,
  "Performance",
  "PerformanceEntry",
  "PerformanceMark",
  "PerformanceMeasure",
);
defineLazy(crypto, "Crypto", "CryptoKey", "SubtleCrypto");
defineLazy(headers, "Headers");
defineLazy(formData, "FormData");
defineLazy(request, "Request");
defineLazy(response, "Response");
defineWritable(base64, "atob", "btoa");
defineWritable(messagePort, "structuredClone");
defineWritable(timers, "clearInterval", "clearTimeout", "setInterval", "setTimeout");
globals.crypto = core.propGetterOnly(() => crypto().crypto);
globals.fetch = core.propWritable(measuredFetch);
// When the run began is asked for when somebody wants to know it.
let hasTimeOrigin = false;
globals.performance = {
  __proto__: null,
  get() {
    const { performance: own, setTimeOrigin } = performance();
    if (!hasTimeOrigin) {
      hasTimeOrigin = true;
      setTimeOrigin();
    }
    return own;
  },
  set(value) {
    ObjectDefineProperty(globalThis, "performance", {
      __proto__: null,
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  },
  enumerable: true,
  configurable: true,
};
globals.reportError = core.propWritable(event.reportError);
globals.self = core.propGetterOnly(() => globalThis);
globals[webidl.brand] = core.propNonEnumerable(webidl.brand);

core.defineGlobalProperties(globalThis, globals);
ObjectSetPrototypeOf(globalThis, event.EventTarget.prototype);
event.setEventTargetData(globalThis);
event.saveGlobalThisReference(globalThis);
core.setReportExceptionCallback(event.reportException);

for (
  const name of [
    "AbortError",
    "DataError",
    "InvalidAccessError",
    "InvalidCharacterError",
    "InvalidStateError",
    "NetworkError",
    "NotSupportedError",
    "OperationError",
    "SyntaxError",
    "TypeMismatchError",
  ]
) {
  core.registerErrorBuilder(`DOMException${name}`, (message) => new DOMException(message, name));
}
core.registerErrorBuilder("DOMExceptionQuotaExceededError", (message) => new QuotaExceededError(message));

// What a script logs is read in pages and messages, where colour codes are noise.
consoles.setNoColorFns(() => true, () => true);

// A soft failure belongs to the step it happened in, which is known on the asynchronous context, and nowhere below.
const { op_soft_failure } = ops;
ops.op_soft_failure = function (message, stack, failureClass) {
  ops.op_step_current(internals.tocsinStep());
  return op_soft_failure(message, stack, failureClass);
};

export const inspect = consoles.inspect;
export { AbortController, DOMException };
const { AbortController } = abortSignal;

export function preload() {
  for (let i = 0; i < loaders.length; i++) loaders[i]();
  preloadFetch();
}

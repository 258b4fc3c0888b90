// `fetch`, with errors that say whose fault they are and where the script called.

import { core, internals, primordials } from "ext:core/mod.js";

const {
  Error,
  ErrorPrototype,
  ObjectDefineProperty,
  ObjectPrototypeIsPrototypeOf,
  PromisePrototypeThen,
  ReflectApply,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeSplit,
  StringPrototypeStartsWith,
  SymbolFor,
  SyntaxError,
  TypeError,
} = primordials;

const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");

// Fetch reports spans where somebody traces. Nobody does.
internals.__telemetry = {
  TRACING_ENABLED: false,
  PROPAGATORS: [],
  DID_NOT_ENTER: 0,
  ContextManager: { active() {} },
  builtinTracer() {},
  enterSpan() {},
  exitSpan() {},
};
internals.__telemetryUtil = {
  updateSpanFromClientResponse() {},
  updateSpanFromError() {},
  updateSpanFromRequest() {},
};

const CLASS = SymbolFor("tocsin.class");

function mark(error, failureClass) {
  ObjectDefineProperty(error, CLASS, {
    __proto__: null,
    value: failureClass,
    writable: true,
    configurable: true,
    enumerable: false,
  });
  return error;
}

// The operations' errors arrive by these names; see `js_error` in ops.rs.
const CLASSES = [
  "assertion",
  "http",
  "network-connect",
  "network-dns",
  "network-timeout",
  "network-tls",
  "script",
];
for (let i = 0; i < CLASSES.length; i++) {
  const failureClass = CLASSES[i];
  core.registerErrorBuilder(
    `tocsin:${failureClass}`,
    (message) => mark(new TypeError(message), failureClass),
  );
}

// What deno's JavaScript rejects with where the target answered with a redirect that cannot be followed.
const REDIRECT_REFUSALS = [
  "Fetch failed: Maximum number of redirects",
  "Fetch failed: Encountered redirect while",
  "Fetch failed: Can not redirect to",
];

let loaded;

export function preload() {
  if (loaded !== undefined) return;
  loaded = core.loadExtScript("ext:deno_fetch/26_fetch.js");
  const { Response } = core.loadExtScript("ext:deno_fetch/23_response.js");
  tellNoJson(Response.prototype);
}

/** An answer that should be JSON and is not is the target's fault, and says which answer it is. */
function tellNoJson(prototype) {
  const parse = prototype.json;
  const method = {
    json() {
      const response = this;
      return PromisePrototypeThen(ReflectApply(parse, response, []), undefined, (error) => {
        // One that the script made itself has no URL, and is the script's own mistake.
        if (ObjectPrototypeIsPrototypeOf(SyntaxError.prototype, error) && response.url !== "") {
          const url = StringPrototypeSplit(response.url, "?")[0];
          error.message = `the ${response.status} answer of ${url} is no JSON: ${error.message}`;
          mark(error, "assertion");
        }
        throw error;
      });
    },
  };
  ObjectDefineProperty(prototype, "json", {
    __proto__: null,
    value: method.json,
    writable: true,
    configurable: true,
    enumerable: true,
  });
}

/** Gives an error that was made below any script's code the stack of the call. */
function place(error, call) {
  const isError = error !== null && typeof error === "object" && ObjectPrototypeIsPrototypeOf(ErrorPrototype, error);
  if (!isError) return;
  const isTypeError = ObjectPrototypeIsPrototypeOf(TypeError.prototype, error);
  const isTimeout = ObjectPrototypeIsPrototypeOf(DOMException.prototype, error) && error.name === "TimeoutError";
  if (!isTypeError && !isTimeout) return;
  if (isTypeError && error[CLASS] === undefined) {
    for (let i = 0; i < REDIRECT_REFUSALS.length; i++) {
      if (StringPrototypeStartsWith(error.message, REDIRECT_REFUSALS[i])) mark(error, "http");
    }
  }
  const stack = call.stack;
  if (typeof stack !== "string") return;
  const firstFrame = StringPrototypeIndexOf(stack, "\n");
  const frames = firstFrame < 0 ? "" : StringPrototypeSlice(stack, firstFrame);
  ObjectDefineProperty(error, "stack", {
    __proto__: null,
    value: `${error.name}: ${error.message}${frames}`,
    writable: true,
    configurable: true,
    enumerable: false,
  });
}

export function fetch(input, init = undefined) {
  preload();
  const call = new Error();
  return PromisePrototypeThen(loaded.fetch(input, init), undefined, (error) => {
    place(error, call);
    throw error;
  });
}

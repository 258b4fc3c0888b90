// Errors that are thrown behind an `await` inside the library have no frame of the script's on their stack. Here they
// get those of the call, so that a failure points to the author's own line.

import { primordials } from "../host.js";

const { Error, ObjectDefineProperty, SafeRegExp, RegExpPrototypeExec, String } = primordials;

/** A frame in a module of the check; see stack.rs. */
const AUTHORS_FRAME = new SafeRegExp("^\\s*at .*check:///", "m");

/** `fn` as an async function whose errors say where it was called. */
export function located(fn) {
  const wrapped = {
    [fn.name](...args) {
      const call = new Error();
      const settled = fn.apply(this, args);
      return settled.catch((error) => {
        place(error, call);
        throw error;
      });
    },
  };
  return wrapped[fn.name];
}

function place(error, call) {
  if (!(error instanceof Error)) return;
  const stack = String(error.stack);
  if (RegExpPrototypeExec(AUTHORS_FRAME, stack) !== null) return;
  const frames = String(call.stack).split("\n").slice(1).join("\n");
  ObjectDefineProperty(error, "stack", {
    __proto__: null,
    value: `${error.name}: ${error.message}\n${frames}`,
    writable: true,
    configurable: true,
    enumerable: false,
  });
}

/** Makes the named async methods of a class say where they were called. */
export function locate(prototype, ...names) {
  for (const name of names) {
    ObjectDefineProperty(prototype, name, { __proto__: null, value: located(prototype[name]), configurable: true });
  }
}

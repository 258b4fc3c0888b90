// What the library knows of the run that is on: its signal, and how much of its time is left.

import { core, isObject, misuse, ops, primordials } from "./host.js";
import { inline } from "./format.js";

const { Number, NumberIsFinite, ObjectPrototypeIsPrototypeOf, Promise, RegExpPrototypeExec } = primordials;

let signal;

/** Called once, when the run begins. */
export function beginRun(runSignal) {
  signal = runSignal;
}

/** Aborts when the run's time ends; `undefined` while a script is only evaluated. */
export function runSignal() {
  return signal;
}

/** Says that a function belongs into `run`. */
export function insideRun(call) {
  if (signal === undefined) {
    throw misuse(`${call} was called while the script is evaluated: call it inside \`run\``);
  }
}

const DURATION = /^\s*(\d+(?:\.\d+)?)(ms|s|m)\s*$/;
const UNIT_MS = { __proto__: null, ms: 1, s: 1000, m: 60_000 };

/** The milliseconds of a number or of a text such as "500ms"; `what` begins the sentence where it is neither. */
export function milliseconds(duration, what) {
  if (typeof duration === "number" && NumberIsFinite(duration) && duration >= 0) return duration;
  const parts = typeof duration === "string" ? RegExpPrototypeExec(DURATION, duration) : null;
  if (parts === null) {
    throw misuse(`${what} takes milliseconds, or a text such as "500ms", "10s" or "2m"; it was given ${inline(duration)}`);
  }
  return Number(parts[1]) * UNIT_MS[parts[2]];
}

/** Milliseconds of the run's time that are left. */
export function leftMs() {
  return ops.op_run_left_ms();
}

/** A signal that an author hands over in the options of `call`, or `undefined`. */
export function signalOf(options, call) {
  const given = options?.signal;
  if (given === undefined) return undefined;
  const { AbortSignalPrototype } = core.loadExtScript("ext:deno_web/03_abort_signal.js");
  if (!isObject(given) || !ObjectPrototypeIsPrototypeOf(AbortSignalPrototype, given)) {
    throw misuse(`the \`signal\` of ${call} is an AbortSignal, such as AbortSignal.timeout(500); it was given ${inline(given)}`);
  }
  return given;
}

/** Resolves after `ms`, and rejects with its reason as soon as the run's signal or `other` aborts. */
export function wait(ms, other) {
  const { add, remove } = core.loadExtScript("ext:deno_web/03_abort_signal.js");
  const { clearTimeout, setTimeout } = core.loadExtScript("ext:deno_web/02_timers.js");
  return new Promise((resolve, reject) => {
    const signals = other === undefined ? [signal] : [signal, other];
    let timer;
    const abort = () => {
      end();
      for (let i = 0; i < signals.length; i++) {
        if (signals[i]?.aborted) return reject(signals[i].reason);
      }
    };
    const end = () => {
      clearTimeout(timer);
      for (let i = 0; i < signals.length; i++) signals[i]?.[remove](abort);
    };
    timer = setTimeout(() => {
      end();
      resolve();
    }, ms);
    for (let i = 0; i < signals.length; i++) {
      if (signals[i]?.aborted) return abort();
      signals[i]?.[add](abort);
    }
  });
}

// `sleep(duration)`: waits, unless the run ends or a signal aborts first.

import { misuse, primordials } from "./host.js";
import { inline } from "./format.js";
import { insideRun, leftMs, milliseconds, signalOf, wait } from "./run_state.js";

const { MathFloor } = primordials;

/** `9.8 s`, rounded down: what is said to be left is there. */
export function seconds(ms) {
  return `${MathFloor(ms / 100) / 10} s`;
}

export function sleep(duration, options) {
  insideRun("sleep");
  const ms = milliseconds(duration, "sleep");
  const signal = signalOf(options, "sleep");
  const left = leftMs();
  // It would end as "ran for 10 s without waiting for the network", which says less.
  if (ms >= left) {
    throw misuse(
      `sleep(${inline(duration)}) is longer than the ${seconds(left)} that this run has left: ` +
        "sleep for less, or raise the `timeout` of the check",
    );
  }
  return wait(ms, signal);
}

// `retry(fn, options)`: the same again until it holds. Each attempt is a step, so that a page shows how many there were
// and what was wrong with each.

import { AssertionError } from "./assertion_error.js";
import { inline } from "./format.js";
import { isMisuse, isObject, misuse, ops, primordials } from "./host.js";
import { insideRun, leftMs, milliseconds, runSignal, signalOf, wait } from "./run_state.js";
import { isSkip } from "./skip.js";
import { seconds } from "./sleep.js";
import { step } from "./step.js";

const { NumberIsFinite, NumberIsInteger, ObjectKeys } = primordials;

const ATTEMPTS_MAX = 100;
const WARN = 2;
const OPTIONS = ["attempts", "delay", "backoff", "until", "signal"];

function planOf(options) {
  if (!isObject(options)) {
    throw misuse(`retry takes its options as an object: retry(fn, { attempts: 5, delay: "1s" }); it was given ${inline(options)}`);
  }
  const keys = ObjectKeys(options);
  for (let i = 0; i < keys.length; i++) {
    let known = false;
    for (let k = 0; k < OPTIONS.length; k++) known ||= OPTIONS[k] === keys[i];
    if (!known) throw misuse(`retry has no option ${inline(keys[i])}: write attempts, delay, backoff, until or signal`);
  }
  const { attempts = 3, delay = 500, backoff = 2, until } = options;
  if (!NumberIsInteger(attempts) || attempts < 1 || attempts > ATTEMPTS_MAX) {
    throw misuse(`the \`attempts\` of retry are a whole number from 1 to ${ATTEMPTS_MAX}; it was given ${inline(attempts)}`);
  }
  if (typeof backoff !== "number" || !NumberIsFinite(backoff) || backoff < 1) {
    throw misuse(
      `the \`backoff\` of retry is what each delay is multiplied by for the next, 1 or more; it was given ${inline(backoff)}`,
    );
  }
  if (until !== undefined && typeof until !== "function") {
    throw misuse(`the \`until\` of retry is a function: until: (mails) => mails.length > 0; it was given ${inline(until)}`);
  }
  return {
    attempts,
    delayMs: milliseconds(delay, "the `delay` of retry"),
    backoff,
    until,
    signal: signalOf(options, "retry"),
  };
}

/** Calls `fn` until it does not throw, and `until` accepts what it returns; else throws what the last attempt threw. */
export function retry(fn, options = {}) {
  insideRun("retry");
  if (typeof fn !== "function") {
    throw misuse(`retry takes a function: write retry(async () => { ... }); it was given ${inline(fn)}`);
  }
  return attemptAll(fn, planOf(options));
}

async function attemptAll(fn, plan) {
  let { delayMs } = plan;
  for (let attempt = 1; ; attempt++) {
    try {
      return await step(`attempt ${attempt}`, () => attemptOnce(fn, plan, attempt));
    } catch (error) {
      // A mistake in the script is one in each attempt, and what was aborted is over.
      const isOver = isMisuse(error) || isSkip(error) || runSignal().aborted || plan.signal?.aborted;
      if (isOver || attempt >= plan.attempts) throw error;
      const left = leftMs();
      if (delayMs >= left) {
        ops.op_log(`retry gave up after attempt ${attempt} of ${plan.attempts}: the run has ${seconds(left)} left`, WARN);
        throw error;
      }
    }
    await wait(delayMs, plan.signal);
    delayMs *= plan.backoff;
  }
}

async function attemptOnce(fn, { until }, attempt) {
  const value = await fn(attempt);
  if (until !== undefined && !(await until(value))) {
    throw new AssertionError(`attempt ${attempt} gave ${inline(value)}, which is not what \`until\` waits for`);
  }
  return value;
}

// `step(name, fn)`: a named, timed part of a run. Steps nest by where they are called, over `await` and in
// `Promise.all` too: the open step travels with the asynchronous context, not on a stack.

import { clip, core, internals, isThenable, misuse, ops, primordials, readQuietly } from "./host.js";
import { inline } from "./format.js";
import { isSkip } from "./skip.js";

const { PromisePrototypeThen, PromiseResolve } = primordials;

const NAME_CHARACTERS_MAX = 200;
const ERROR_CHARACTERS_MAX = 2000;

/** The parent of a step that has none, and what the sandbox answers for a step past its bound. */
const NO_STEP = -1;

const openStep = new core.AsyncVariable();

function current() {
  return openStep.get() ?? NO_STEP;
}

// The sandbox's `fetch` asks, so that a request is shown below the step that made it.
internals.tocsinStep = current;

/** What a step that ended with this error says of it; nothing where the run was skipped in it. */
function summary(error) {
  if (isSkip(error)) return null;
  const message = readQuietly(error, "message");
  return clip(typeof message === "string" && message !== "" ? message : inline(error), ERROR_CHARACTERS_MAX);
}

/** Runs `fn` as a step and returns what it returns; a promise settles after the step has ended. */
export function step(name, fn) {
  if (typeof name !== "string" || name === "") {
    throw misuse(`a step needs a name: write step("sign in", async () => { ... }); it was given ${inline(name)}`);
  }
  if (typeof fn !== "function") {
    throw misuse(
      `step("${clip(name, 40)}", ...) needs a function: write step("${clip(name, 40)}", async () => { ... })`,
    );
  }
  const index = ops.op_step_begin(clip(name, NAME_CHARACTERS_MAX), current());
  const outside = core.getAsyncContext();
  // Past the bound the step is not recorded, and what it opens belongs to the nearest one that is.
  if (index !== NO_STEP) openStep.enter(index);
  const end = (error) => ops.op_step_end(index, error);
  let value;
  try {
    value = fn();
  } catch (error) {
    end(summary(error));
    throw error;
  } finally {
    core.setAsyncContext(outside);
  }
  if (!isThenable(value)) {
    end(null);
    return value;
  }
  return PromisePrototypeThen(
    PromiseResolve(value),
    (settled) => {
      end(null);
      return settled;
    },
    (error) => {
      end(summary(error));
      throw error;
    },
  );
}

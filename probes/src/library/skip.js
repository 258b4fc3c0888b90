// `skip(reason)`: ends a run that has nothing to learn.
//
// What it throws is told apart from every failure: the run is neither passed nor failed. A script that swallows it has
// still said so, see verdict.rs; a step that it passes through has not failed.

import { clip, internals, isObject, misuse, ops, primordials } from "./host.js";
import { inline } from "./format.js";
import { insideRun } from "./run_state.js";

const { Error, ObjectDefineProperty, SafeWeakSet, StringPrototypeTrim } = primordials;

const REASON_CHARACTERS_MAX = 500;

const skips = new SafeWeakSet();

export function isSkip(error) {
  return isObject(error) && skips.has(error);
}

internals.tocsinIsSkip = isSkip;

export function skip(reason) {
  insideRun("skip");
  if (typeof reason !== "string" || StringPrototypeTrim(reason) === "") {
    throw misuse(`skip takes the reason: write skip("passkeys are not offered here"); it was given ${inline(reason)}`);
  }
  const kept = clip(reason, REASON_CHARACTERS_MAX);
  ops.op_run_skip(kept);
  const error = new Error(`skipped: ${kept}`);
  ObjectDefineProperty(error, "name", { __proto__: null, value: "Skipped", configurable: true, writable: true });
  skips.add(error);
  throw error;
}

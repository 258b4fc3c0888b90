// A small line diff of two values, for the message of a failed comparison.

import { clip, isPlainObject, primordials } from "./host.js";
import { inline, lines } from "./format.js";
import { asymmetricMatches, isAsymmetric } from "./asymmetric.js";
import { NOTHING, enumerableKeys } from "./equality.js";

const {
  ArrayIsArray,
  ArrayPrototypeJoin,
  ArrayPrototypePush,
  ArrayPrototypeSlice,
  StringPrototypeIncludes,
  StringPrototypeSlice,
  StringPrototypeSplit,
} = primordials;

/** Longer values are compared up to here: the table of the longest common subsequence is the square of it. */
const COMPARED_LINES_MAX = 300;
const SHOWN_LINES_MAX = 40;
const LINE_CHARACTERS_MAX = 200;
const CONTEXT_LINES = 2;
const ALIGN_DEPTH_MAX = 8;
const PATH_CHARACTERS_MAX = 120;

/**
 * Where two values first differ, and how. `first` is what `compare` found, `subset` its mode.
 * Empty where the sentence above it says it all.
 */
export function difference(expected, received, { first, subset = false } = {}) {
  const changed = diff(expected, received, subset);
  if (first === undefined || first.path === "") return changed;
  const place = clip(first.path, PATH_CHARACTERS_MAX);
  const sentence = `first difference at ${place}: expected ${valueAt(first.expected)}, received ${valueAt(first.received)}`;
  return changed === "" ? sentence : `${sentence}\n${changed}`;
}

function valueAt(value) {
  return value === NOTHING ? "nothing" : inline(value);
}

/** Lines with `-` for what was expected, `+` for what was received; empty where they would say nothing new. */
function diff(expected, received, subset) {
  const both = typeof expected === "string" && typeof received === "string";
  if (both && !StringPrototypeIncludes(expected, "\n") && !StringPrototypeIncludes(received, "\n")) {
    return stringDiff(expected, received);
  }
  const wanted = both
    ? StringPrototypeSplit(expected, "\n", COMPARED_LINES_MAX)
    : lines(aligned(expected, received, 0));
  const got = both
    ? StringPrototypeSplit(received, "\n", COMPARED_LINES_MAX)
    : lines(subset ? narrowed(received, expected, 0) : received);
  // Where one side fits on a line, the sentence above has said it all.
  return wanted.length < 2 || got.length < 2 ? "" : hunks(script(cut(wanted), cut(got)));
}

function cut(all) {
  return all.length > COMPARED_LINES_MAX ? ArrayPrototypeSlice(all, 0, COMPARED_LINES_MAX) : all;
}

/** Two long strings: the neighbourhood of the first character that differs. */
function stringDiff(expected, received) {
  const length = expected.length < received.length ? expected.length : received.length;
  if (length < 60) return "";
  let at = 0;
  while (at < length && expected[at] === received[at]) at++;
  const from = at > 20 ? at - 20 : 0;
  const near = (text) =>
    `${from > 0 ? "…" : ""}${StringPrototypeSlice(text, from, at + 40)}${text.length > at + 40 ? "…" : ""}`;
  return `first difference at character ${at + 1}\n- ${near(expected)}\n+ ${near(received)}`;
}

/** `expected` with every stand-in that matches replaced by what it matched: only real differences remain. */
function aligned(expected, received, depth) {
  if (isAsymmetric(expected)) return asymmetricMatches(expected, received) ? received : expected;
  if (depth >= ALIGN_DEPTH_MAX) return expected;
  if (ArrayIsArray(expected) && ArrayIsArray(received)) {
    if (expected.length > COMPARED_LINES_MAX) return expected;
    const out = [];
    for (let i = 0; i < expected.length; i++) {
      ArrayPrototypePush(out, aligned(expected[i], received[i], depth + 1));
    }
    return out;
  }
  if (!isPlainObject(expected) || !isPlainObject(received)) return expected;
  const out = {};
  const keys = enumerableKeys(expected);
  for (let i = 0; i < keys.length && i < COMPARED_LINES_MAX; i++) {
    out[keys[i]] = aligned(expected[keys[i]], received[keys[i]], depth + 1);
  }
  return out;
}

/** `received` without the properties that `expected` does not ask for. */
function narrowed(received, expected, depth) {
  if (depth >= ALIGN_DEPTH_MAX || isAsymmetric(expected)) return received;
  if (ArrayIsArray(expected) && ArrayIsArray(received)) {
    if (received.length > COMPARED_LINES_MAX) return received;
    const out = [];
    for (let i = 0; i < received.length; i++) {
      ArrayPrototypePush(out, narrowed(received[i], expected[i], depth + 1));
    }
    return out;
  }
  if (!isPlainObject(expected) || received === null || typeof received !== "object") return received;
  const out = {};
  const keys = enumerableKeys(expected);
  for (let i = 0; i < keys.length && i < COMPARED_LINES_MAX; i++) {
    if (keys[i] in received) out[keys[i]] = narrowed(received[keys[i]], expected[keys[i]], depth + 1);
  }
  return out;
}

/** The edit script by the longest common subsequence: `[mark, line]`, marks ` `, `-`, `+`. */
function script(wanted, got) {
  const width = got.length + 1;
  const longest = [];
  for (let i = 0; i < (wanted.length + 1) * width; i++) ArrayPrototypePush(longest, 0);
  for (let i = wanted.length - 1; i >= 0; i--) {
    for (let j = got.length - 1; j >= 0; j--) {
      const down = longest[(i + 1) * width + j];
      const right = longest[i * width + j + 1];
      const diagonal = longest[(i + 1) * width + j + 1] + 1;
      longest[i * width + j] = wanted[i] === got[j] ? diagonal : down >= right ? down : right;
    }
  }
  const out = [];
  let i = 0;
  let j = 0;
  while (i < wanted.length || j < got.length) {
    if (i < wanted.length && j < got.length && wanted[i] === got[j]) {
      ArrayPrototypePush(out, [" ", wanted[i]]);
      i++;
      j++;
    } else if (j >= got.length || (i < wanted.length && longest[(i + 1) * width + j] >= longest[i * width + j + 1])) {
      ArrayPrototypePush(out, ["-", wanted[i++]]);
    } else {
      ArrayPrototypePush(out, ["+", got[j++]]);
    }
  }
  return out;
}

/** The changed lines with a little context, and `…` where lines are left out. */
function hunks(edits) {
  const shown = [];
  let changed = false;
  for (let i = 0; i < edits.length; i++) {
    let near = false;
    for (let k = i - CONTEXT_LINES; k <= i + CONTEXT_LINES; k++) {
      near ||= k >= 0 && k < edits.length && edits[k][0] !== " ";
    }
    ArrayPrototypePush(shown, near);
    changed ||= near;
  }
  if (!changed) return "";
  const out = [];
  for (let i = 0; i < edits.length; i++) {
    if (out.length >= SHOWN_LINES_MAX) {
      ArrayPrototypePush(out, "  … more differences");
      break;
    }
    if (shown[i])
      ArrayPrototypePush(out, `${edits[i][0]} ${StringPrototypeSlice(edits[i][1], 0, LINE_CHARACTERS_MAX)}`);
    else if (i === 0 || shown[i - 1]) ArrayPrototypePush(out, "  …");
  }
  return ArrayPrototypeJoin(out, "\n");
}

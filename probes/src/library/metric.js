// `metric(name, value, { unit, tags })`: a number of the script's own. It is in the run's result, and becomes a sample of
// the series `tocsin_check_metric`; what is refused here could not be a label there.

import { internals, isPlainObject, misuse, ops, primordials } from "./host.js";
import { inline } from "./format.js";
import { insideRun } from "./run_state.js";

const { JSONStringify, NumberIsFinite, ObjectKeys, RegExpPrototypeExec, SafeSet, String } = primordials;

const TAGS_MAX = 10;
const VALUE_CHARACTERS_MAX = 200;

const NAME = /^[A-Za-z_][\w.:/-]{0,99}$/;
const UNIT = /^[\w%/.-]{1,20}$/;
const TAG = /^(?!__)[A-Za-z_]\w{0,49}$/;
/** Labels that say whose metric it is. */
const TAKEN = new SafeSet(["check", "region", "metric", "unit"]);

function tagsOf(tags) {
  if (tags === undefined) return "{}";
  if (!isPlainObject(tags)) {
    throw misuse(`the tags of a metric are an object: metric("queue_depth", 4, { tags: { queue: "mail" } }); it was given ${inline(tags)}`);
  }
  const keys = ObjectKeys(tags);
  if (keys.length > TAGS_MAX) throw misuse(`a metric has at most ${TAGS_MAX} tags; it was given ${keys.length}`);
  const texts = { __proto__: null };
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    const value = tags[key];
    if (RegExpPrototypeExec(TAG, key) === null) {
      throw misuse(`${inline(key)} is no name of a tag: write letters, digits and _, beginning with a letter`);
    }
    if (TAKEN.has(key)) throw misuse(`the tag \`${key}\` is taken by Tocsin itself: give it another name`);
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
      throw misuse(`the tag \`${key}\` takes a text, a number or a boolean; it was given ${inline(value)}`);
    }
    texts[key] = String(value);
    if (texts[key].length > VALUE_CHARACTERS_MAX) {
      throw misuse(`the tag \`${key}\` has ${texts[key].length} characters, and ${VALUE_CHARACTERS_MAX} is the most`);
    }
  }
  return JSONStringify(texts);
}

export function metric(name, value, options = {}) {
  insideRun("metric");
  if (typeof name !== "string" || RegExpPrototypeExec(NAME, name) === null) {
    throw misuse(
      `a metric's name has up to 100 letters, digits and _ . : / -, and begins with a letter: ` +
        `metric("queue_depth", 4); it was given ${inline(name)}`,
    );
  }
  if (typeof value !== "number" || !NumberIsFinite(value)) {
    throw misuse(`the metric ${name} takes a finite number; it was given ${inline(value)}`);
  }
  const { unit, tags } = options ?? {};
  if (unit !== undefined && (typeof unit !== "string" || RegExpPrototypeExec(UNIT, unit) === null)) {
    throw misuse(`the unit of a metric is a short text such as "ms" or "bytes"; it was given ${inline(unit)}`);
  }
  const texts = tagsOf(tags);
  ops.op_step_current(internals.tocsinStep());
  ops.op_metric(name, value, unit ?? null, texts);
}

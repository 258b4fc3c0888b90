// `log(message, fields)`: one line of the run's output, with fields as `key=value`.

import { clip, ops, primordials } from "./host.js";
import { inline } from "./format.js";

const { ObjectDefineProperty, ObjectFreeze, ObjectKeys, RegExpPrototypeExec } = primordials;

const LINE_CHARACTERS_MAX = 4000;
const VALUE_CHARACTERS_MAX = 400;
const LEVELS = { __proto__: null, debug: 0, info: 1, warn: 2, error: 3 };

/** Values that need no quotes to be read back. */
const BARE = /^[\w.:/@+-]+$/;

function line(message, fields) {
  let text = typeof message === "string" ? message : inline(message, VALUE_CHARACTERS_MAX);
  if (fields === null || typeof fields !== "object") return text;
  const keys = ObjectKeys(fields);
  for (let i = 0; i < keys.length && text.length < LINE_CHARACTERS_MAX; i++) {
    const value = fields[keys[i]];
    const bare =
      typeof value === "string" && RegExpPrototypeExec(BARE, value) !== null && value.length <= VALUE_CHARACTERS_MAX;
    text += ` ${keys[i]}=${bare ? value : inline(value, VALUE_CHARACTERS_MAX)}`;
  }
  return text;
}

function at(level) {
  return (message, fields) => {
    ops.op_log(clip(line(message, fields), LINE_CHARACTERS_MAX), level);
  };
}

export const log = at(LEVELS.info);
for (const name in LEVELS) {
  ObjectDefineProperty(log, name, { __proto__: null, value: at(LEVELS[name]), enumerable: true });
}
ObjectFreeze(log);

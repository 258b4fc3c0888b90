// The prompt of `tocsin repl`: lines come in, what they evaluate to goes out, all in one run of one process. A line is
// already a function's body; see script/prompt.rs.

import { core, internals, primordials } from "ext:core/mod.js";
import { inspect } from "ext:tocsin_host/web_globals.js";

const { ObjectDefineProperty, ObjectEntries, PromisePrototypeThen, PromiseRace, StringPrototypeTrim } = primordials;
const { ops } = core;
const Compile = globalThis.Function;

/** What is sent in place of a line. */
const INTERRUPT = "\u0003";

function told(value) {
  return inspect(value, { depth: 4, breakLength: 100, compact: 3, iterableLimit: 100, strAbbreviateSize: 10_000 });
}

function problem(thrown) {
  try {
    if (thrown !== null && typeof thrown === "object" && typeof thrown.message === "string") {
      const cause = thrown.cause === undefined ? "" : `\ncaused by ${problem(thrown.cause)}`;
      return `${thrown.name ?? "Error"}: ${thrown.message}${cause}`;
    }
    return `threw ${told(thrown)}`;
  } catch {
    return "threw a value that cannot be shown";
  }
}

function give(name, value) {
  ObjectDefineProperty(globalThis, name, { __proto__: null, value, writable: true, configurable: true, enumerable: false });
}

/** A promise that nobody awaits failed: the line that made it may be long past. */
export function overheard(reason) {
  ops.op_prompt_say("problem", `${problem(reason)} (a promise failed that nobody awaits)`);
}

async function evaluate(code) {
  try {
    const value = await new Compile("$_t", code)(internals.tocsinModules);
    give("_", value);
    return ["value", value === undefined ? "" : told(value)];
  } catch (thrown) {
    return ["problem", problem(thrown)];
  }
}

export async function converse(context) {
  ops.op_log = (text) => ops.op_prompt_say("log", text[text.length - 1] === "\n" ? text.slice(0, -1) : text);
  for (const [name, value] of ObjectEntries(internals.tocsinModules.tocsin)) give(name, value);
  for (const name of ["vars", "secrets", "region"]) give(name, context[name]);
  ops.op_prompt_say("ready", "");
  let next = ops.op_prompt_next();
  for (;;) {
    const line = await next;
    if (line === "") return;
    next = ops.op_prompt_next();
    if (line === INTERRUPT || StringPrototypeTrim(line) === "") continue;
    const answered = evaluate(line);
    const answer = await PromiseRace([answered, PromisePrototypeThen(next, () => undefined)]);
    // Something came before the answer: an interrupt, or the end. The line may go on; nobody waits for it.
    if (answer === undefined) ops.op_prompt_say("interrupted", "");
    else ops.op_prompt_say(answer[0], answer[1]);
  }
}

// What `run(ctx)` is given: the order of the run, frozen, where a name that is not there says so.

import { clip, internals, misuse, primordials } from "./host.js";
import { beginRun } from "./run_state.js";

const { Date, ObjectFreeze, ObjectHasOwn, Proxy, ReflectGet } = primordials;

/** Names that the language itself asks any object for: a promise, a conversion, `JSON.stringify`. */
const ASKED_BY_THE_LANGUAGE = {
  __proto__: null,
  then: true,
  toJSON: true,
  toString: true,
  valueOf: true,
  constructor: true,
};

/** `undefined` in a URL or a password is hard to trace back; a name that does not exist is not. */
function loud(values, absent) {
  return new Proxy(ObjectFreeze(values), {
    __proto__: null,
    get(target, name, receiver) {
      if (typeof name === "string" && !ObjectHasOwn(target, name) && ASKED_BY_THE_LANGUAGE[name] !== true) {
        throw misuse(absent(clip(name, 100)));
      }
      return ReflectGet(target, name, receiver);
    },
  });
}

internals.tocsinContext = (order, signal) => {
  beginRun(signal);
  return ObjectFreeze({
    check: order.check,
    region: order.region,
    slot: new Date(order.slot),
    attempt: order.attempt,
    vars: loud(order.vars, (name) => `the variable \`${name}\` is not set: add it under [vars] in tocsin.toml`),
    secrets: loud(
      order.secrets,
      (name) => `the secret \`${name}\` is not declared: add it to \`secrets: [...]\` of this check`,
    ),
    signal,
  });
};

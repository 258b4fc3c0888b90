// Asymmetric matchers: values such as `expect.any(String)` that stand in an expected value for everything they match.

import { isObject, primordials } from "./host.js";

const { ObjectFreeze, SafeWeakMap } = primordials;

/** Each stand-in's `matches(received)` and `describe(inline)`, out of reach of the script. */
const standIns = new SafeWeakMap();

export function isAsymmetric(value) {
  return isObject(value) && standIns.has(value);
}

export function asymmetricMatches(standIn, received) {
  return standIns.get(standIn).matches(received);
}

export function describeAsymmetric(standIn, inline) {
  return standIns.get(standIn).describe(inline);
}

export function asymmetric(matches, describe) {
  const standIn = ObjectFreeze({ __proto__: null });
  standIns.set(standIn, { matches, describe });
  return standIn;
}

/** The same with the answer turned round, as in `expect.not.stringContaining("x")`. */
export function inverted(standIn) {
  const { matches, describe } = standIns.get(standIn);
  return asymmetric(
    (received) => !matches(received),
    (inline) => `not ${describe(inline)}`,
  );
}

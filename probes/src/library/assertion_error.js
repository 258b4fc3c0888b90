// What a failed expectation throws, and the class that tells the alerting whose fault it is.

import { primordials, readQuietly } from "./host.js";

const { Error, ObjectDefineProperty, SymbolFor } = primordials;

/** The sandbox reads a failure's class from this property of whatever was thrown. */
const CLASS = SymbolFor("tocsin.class");

/** The class that an error already carries. */
export function classOf(error) {
  const found = readQuietly(error, CLASS);
  return typeof found === "string" ? found : undefined;
}

/** The target answered, and not as expected. `failureClass` is `assertion`, or `http` for a refused status. */
export class AssertionError extends Error {
  constructor(message, failureClass = "assertion") {
    super(message);
    ObjectDefineProperty(this, CLASS, { __proto__: null, value: failureClass });
  }

  get failureClass() {
    return this[CLASS];
  }
}

ObjectDefineProperty(AssertionError.prototype, "name", {
  __proto__: null,
  value: "AssertionError",
  configurable: true,
  writable: true,
});

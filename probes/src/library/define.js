// `defineCheck({...})`: marks a module's default export as a check. The sandbox reads and validates the fields, so
// that a wrong one is refused with the file, the field and what to write, in one place and one wording.

import { misuse, primordials } from "./host.js";
import { inline } from "./format.js";

const { ArrayIsArray, ObjectAssign, ObjectDefineProperty, ObjectFreeze, SymbolFor } = primordials;

const BRAND = SymbolFor("tocsin.check");

export function defineCheck(definition) {
  if (definition === null || typeof definition !== "object" || ArrayIsArray(definition)) {
    throw misuse(
      'defineCheck takes one object: write defineCheck({ schedule: "every 30s", async run() { ... } }); ' +
        `it was given ${inline(definition)}`,
    );
  }
  const check = ObjectAssign({}, definition);
  ObjectDefineProperty(check, BRAND, { __proto__: null, value: true });
  return ObjectFreeze(check);
}

// Nor Map, Set and WeakMap.
import { defineCheck, expect, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (const made of [Map, Set, WeakMap, WeakSet]) for (const name of ["get", "set", "has", "add"]) if (made.prototype[name]) made.prototype[name] = () => { throw new Error("evil"); };
    await step("named", () => {});
    expect(1).toBe(1);
  },
});

import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (const { prototype } of [Object, Array, Function, Promise, Error, String, Map, WeakMap, RegExp]) {
      for (const name of Object.getOwnPropertyNames(prototype)) {
        if (name === "constructor") continue;
        try { prototype[name] = () => { throw 1; }; } catch {}
      }
    }
    throw new Error("still told");
  },
});

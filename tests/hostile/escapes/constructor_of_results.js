// What the library returns leads to no other world.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const error = await Promise.resolve().then(() => expect(1).toBe(2)).catch((thrown) => thrown);
    const make = error.constructor.constructor;
    const world = make("return globalThis")();
    if (world !== globalThis || world.Deno) throw new Error("ESCAPED");
  },
});

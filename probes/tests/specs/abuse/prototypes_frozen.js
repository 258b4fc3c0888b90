import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (const name of Object.getOwnPropertyNames(globalThis)) {
      const value = globalThis[name];
      if (value === null || !["object", "function"].includes(typeof value)) continue;
      Object.freeze(value);
      if (value.prototype) Object.freeze(value.prototype);
    }
    await step("after", async () => console.log("frozen"));
  },
});

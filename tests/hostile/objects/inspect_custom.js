// Inspection hooks that throw or loop.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log({ [Symbol.for("Deno.customInspect")]() { throw new Error("evil"); } });
    console.log({ [Symbol.for("nodejs.util.inspect.custom")]() { throw new Error("evil"); } });
    console.log({ get evil() { throw new Error("evil"); } });
  },
});

// An async generator that never ends.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    async function* endless() { for (;;) yield 1; }
    for await (const one of endless()) void one;
  },
});

// A generator without end.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    function* endless() { for (;;) yield 1; } for (const one of endless()) void one;
  },
});

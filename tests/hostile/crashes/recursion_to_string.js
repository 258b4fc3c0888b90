// Recursion in toString.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const a = []; a[0] = { toString: () => String(a) }; String(a);
  },
});

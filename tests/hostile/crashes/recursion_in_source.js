// Recursion in source text.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    new Function('return ' + '('.repeat(1_000_000) + '1' + ')'.repeat(1_000_000))();
  },
});

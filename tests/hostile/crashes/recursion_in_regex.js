// Recursion in a regular expression.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    new RegExp('('.repeat(100_000) + ')'.repeat(100_000));
  },
});

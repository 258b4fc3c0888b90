// Recursion in JSON that is read.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    JSON.parse('['.repeat(5_000_000));
  },
});

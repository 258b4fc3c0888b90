// A message of megabytes.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    throw new Error('m'.repeat(5_000_000));
  },
});

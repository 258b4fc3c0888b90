// A result of megabytes.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    return { text: 'r'.repeat(20_000_000) };
  },
});

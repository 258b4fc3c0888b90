// One line of megabytes.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log('x'.repeat(5_000_000));
  },
});

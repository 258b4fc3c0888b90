// Names of megabytes.
import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await step('n'.repeat(3_000_000), () => {});
  },
});

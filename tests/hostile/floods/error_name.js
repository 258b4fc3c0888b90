// A name of megabytes.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const e = new Error('m'); e.name = 'n'.repeat(5_000_000); throw e;
  },
});

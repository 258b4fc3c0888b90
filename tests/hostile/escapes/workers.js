// No worker, no shared memory between runs.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    if (typeof Worker !== "undefined") throw new Error("ESCAPED: Worker");
  },
});

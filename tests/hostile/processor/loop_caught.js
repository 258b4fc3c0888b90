// A loop that catches what stops it.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (;;) { try { for (;;) {} } catch {} finally { continue; } }
  },
});

// A finally that waits for ever.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    try { throw new Error("first"); } finally { await new Promise(() => setTimeout(() => {}, 60_000)); }
  },
});

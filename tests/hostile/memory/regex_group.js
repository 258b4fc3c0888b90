// Matches without end.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const text = 'a'.repeat(1 << 20); const all = []; for (;;) all.push(text.match(/a/g));
  },
});

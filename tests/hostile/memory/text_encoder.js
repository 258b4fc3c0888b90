// Encoded texts without end.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const all = []; const text = '\u00e4'.repeat(1 << 18); for (;;) all.push(new TextEncoder().encode(text));
  },
});

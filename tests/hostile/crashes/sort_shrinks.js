// An array that shrinks while it is sorted.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const a = Array.from({ length: 10_000 }, (_, i) => i); a.sort((x, y) => { a.length = 0; return y - x; });
  },
});

// A comparator that never agrees.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const all = Array.from({ length: 1e6 }, Math.random); for (;;) all.sort(() => Math.random() - 0.5);
  },
});

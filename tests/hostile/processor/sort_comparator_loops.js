// A comparator that loops.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    [2, 1].sort(() => { for (;;) {} });
  },
});

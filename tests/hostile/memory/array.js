// Arrays without end.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const all = []; for (;;) all.push(new Array(10_000).fill(all));
  },
});

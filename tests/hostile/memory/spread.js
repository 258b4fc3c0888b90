// Arguments without end.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    Math.max(...new Array(50_000_000).fill(1));
  },
});

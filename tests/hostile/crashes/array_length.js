// An array of every length.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const a = []; a.length = 2 ** 32 - 1; a.fill(1);
  },
});

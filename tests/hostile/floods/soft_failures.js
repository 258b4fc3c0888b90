// Soft failures without end.
import { defineCheck, check } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (let i = 0; i < 1_000; i++) check(i).toBe(-1);
  },
});

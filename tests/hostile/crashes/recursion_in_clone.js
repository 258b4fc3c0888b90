// Recursion in a clone.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    let v = []; for (let i = 0; i < 200_000; i++) v = [v]; structuredClone(v);
  },
});

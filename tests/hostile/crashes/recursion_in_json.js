// Recursion in JSON.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    let v = []; for (let i = 0; i < 500_000; i++) v = [v]; JSON.stringify(v);
  },
});

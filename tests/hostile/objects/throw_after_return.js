// A throw after the end changes nothing.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    setTimeout(() => { throw new Error("late"); }, 0);
  },
});

// A throw after the end changes nothing, also where it is due by the time that `run` returns.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    setTimeout(() => { throw new Error("late"); }, 0);
    const end = Date.now() + 20;
    while (Date.now() < end);
  },
});

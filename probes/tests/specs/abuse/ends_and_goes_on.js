import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    setTimeout(() => { for (;;); }, 0);
    Promise.resolve().then(() => { throw new Error("late"); });
  },
});

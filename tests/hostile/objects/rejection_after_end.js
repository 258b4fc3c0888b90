// A rejection after the end changes nothing.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    setTimeout(() => Promise.reject(new Error("late")), 1);
  },
});

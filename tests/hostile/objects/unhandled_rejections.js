// A thousand rejections that nobody awaits.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (let i = 0; i < 1000; i++) Promise.reject(new Error(`number ${i}`));
    await new Promise((resolve) => setTimeout(resolve, 50));
  },
});

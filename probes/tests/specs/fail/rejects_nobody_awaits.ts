import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    Promise.reject(new RangeError("lost"));
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  },
});

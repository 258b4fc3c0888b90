import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    throw new Error("x".repeat(10_000_000));
  },
});

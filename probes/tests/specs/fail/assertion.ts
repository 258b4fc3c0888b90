import { defineCheck, expect, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const status: number = 1 + 1;
    await step("compare", () => {
      expect(status, "the sum").toBe(3);
    });
  },
});

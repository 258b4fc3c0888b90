// Steps in steps in steps.
import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const deeper = (n) => (n === 0 ? undefined : step(`at ${n}`, () => deeper(n - 1))); await deeper(400); throw new Error('at the bottom');
  },
});

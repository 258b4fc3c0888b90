// Steps without end.
import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (let i = 0; i < 2_000; i++) await step(`step ${i}`, () => {});
  },
});

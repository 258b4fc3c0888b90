// A thousand steps of one name.
import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (let i = 0; i < 600; i++) await step('same', () => {});
  },
});

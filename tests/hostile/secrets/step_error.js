// In a step's error.
import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await step('a', () => { throw new Error(ctx.secrets.TOKEN); });
  },
});

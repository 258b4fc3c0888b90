// In a step's name.
import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await step(ctx.secrets.TOKEN, () => {});
  },
});

// In an error.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    throw new Error(`refused: ${ctx.secrets.TOKEN}`);
  },
});

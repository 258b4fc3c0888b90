// In an error's name.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const error = new Error('x'); error.name = ctx.secrets.TOKEN; throw error;
  },
});

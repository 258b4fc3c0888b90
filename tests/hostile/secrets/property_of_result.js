// In what is returned.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    return { token: ctx.secrets.TOKEN };
  },
});

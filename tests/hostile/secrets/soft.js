// In a soft failure.
import { defineCheck, check } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    check(ctx.secrets.TOKEN).toBe('other');
  },
});

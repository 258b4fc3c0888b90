// In a difference.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    expect(ctx.secrets.TOKEN).toBe('other');
  },
});

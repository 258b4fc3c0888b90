// In a header.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch(ctx.vars.TARGET, { headers: { authorization: `Bearer ${ctx.secrets.TOKEN}` } });
  },
});

// In a header, as base64.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch(ctx.vars.TARGET, { headers: { authorization: `Basic ${btoa(`me:${ctx.secrets.TOKEN}`)}` } });
  },
});

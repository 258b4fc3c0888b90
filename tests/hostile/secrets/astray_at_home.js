// To a host that it is for.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await (await fetch(`${ctx.vars.TARGET}/hello?token=${ctx.secrets.TOKEN}`, { headers: { authorization: ctx.secrets.TOKEN } })).text();
  },
});

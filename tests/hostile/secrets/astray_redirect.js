// By a redirect.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch(`${ctx.vars.TARGET}/redirect/307?to=${ctx.vars.TARGET.replace('127.0.0.1', 'localhost')}/echo`, { method: 'POST', body: ctx.secrets.TOKEN });
  },
});

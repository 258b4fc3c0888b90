// To a host that it is not for: in the URL.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch(`${ctx.vars.TARGET}/hello?token=${ctx.secrets.TOKEN}`);
  },
});

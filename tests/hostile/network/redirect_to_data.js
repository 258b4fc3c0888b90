// A redirect to a data URL.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch(`${ctx.vars.TARGET}/redirect/302?to=data:text/plain,evil`);
  },
});

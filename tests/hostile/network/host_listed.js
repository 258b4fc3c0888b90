// One that they do list.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await (await fetch(`${ctx.vars.TARGET}/hello`)).text();
  },
});

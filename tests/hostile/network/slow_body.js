// A gigabyte that comes a byte at a time.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await (await fetch(`${ctx.vars.SLOW}/body`)).text();
  },
});

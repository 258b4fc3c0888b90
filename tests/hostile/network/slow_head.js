// A header that comes a byte at a time, and never ends.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch(`${ctx.vars.SLOW}/head`);
  },
});

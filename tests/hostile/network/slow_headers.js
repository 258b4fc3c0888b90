// Headers that come a byte at a time, without end.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch(`${ctx.vars.SLOW}/headers`);
  },
});

// Headers without end, as fast as they are read.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch(`${ctx.vars.SLOW}/headers/fast`);
  },
});

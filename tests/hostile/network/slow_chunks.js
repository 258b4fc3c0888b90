// Chunks of one byte, without end.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await (await fetch(`${ctx.vars.SLOW}/chunks`)).text();
  },
});

// More body than there is memory.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const all = []; for (;;) all.push(await (await fetch(`${ctx.vars.TARGET}/bytes/8000000`)).arrayBuffer());
  },
});

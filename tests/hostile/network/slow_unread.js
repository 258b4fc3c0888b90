// A body that never ends, and that nobody reads: the run is over when its script is.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    if ((await fetch(`${ctx.vars.SLOW}/chunks`)).status !== 200) throw new Error("no answer");
  },
});

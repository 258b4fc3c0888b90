// A port that the check's hosts do not list.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch(ctx.vars.TARGET);
  },
});

// Slow answers by the dozen, all at once: the run ends in time with all of them.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await Promise.all(Array.from({ length: 40 }, (_, i) => fetch(`${ctx.vars.SLOW}/${["head", "headers", "body", "chunks"][i % 4]}`).then((response) => response.text())));
  },
});

// Requests past what a result shows.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (let i = 0; i < 250; i++) await (await fetch(`${ctx.vars.TARGET}/hello`)).text();
  },
});

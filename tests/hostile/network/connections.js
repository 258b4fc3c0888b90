// Connections without end.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (let i = 0; i < 1_000; i++) await fetch(ctx.vars.TARGET_CLOSED).catch((error) => { if (/may make no more/.test(error.message)) throw error; });
  },
});

// In a method.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch(`${ctx.vars.TARGET}/hello`, { method: ctx.secrets.TOKEN }).catch(() => {});
  },
});

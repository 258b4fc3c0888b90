// In a form, encoded with small letters.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const body = `password=${encodeURIComponent(ctx.secrets.TOKEN).replace(/%../g, (escape) => escape.toLowerCase())}`;
    await fetch(ctx.vars.TARGET, { method: "POST", body });
  },
});

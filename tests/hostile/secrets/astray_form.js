// In a form.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch(ctx.vars.TARGET, { method: 'POST', body: new URLSearchParams({ password: ctx.secrets.TOKEN }) });
  },
});

// In the path, encoded.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch(`${ctx.vars.TARGET}/${[...ctx.secrets.TOKEN].map((c) => '%' + c.charCodeAt(0).toString(16)).join('')}`);
  },
});

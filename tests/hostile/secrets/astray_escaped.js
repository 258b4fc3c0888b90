// In JSON that is escaped letter by letter.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const escaped = [...ctx.secrets.TOKEN].map((c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0")).join("");
    await fetch(ctx.vars.TARGET, { method: "POST", body: `{"password":"${escaped}"}` });
  },
});

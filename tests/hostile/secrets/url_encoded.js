// URL-encoded.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log(encodeURIComponent(`?${ctx.secrets.TOKEN}`), [...ctx.secrets.TOKEN].map((c) => '%' + c.charCodeAt(0).toString(16)).join(''));
  },
});

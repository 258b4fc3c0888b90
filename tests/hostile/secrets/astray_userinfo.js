// In the URL's user and password.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const url = new URL(ctx.vars.TARGET); url.username = 'me'; url.password = ctx.secrets.TOKEN; await fetch(url.href);
  },
});

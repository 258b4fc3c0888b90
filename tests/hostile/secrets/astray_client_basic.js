// In the header with which the library's own client proves itself.
import { defineCheck } from "tocsin";
import { provider } from "tocsin/auth";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const metadata = { issuer: ctx.vars.TARGET, token_endpoint: `${ctx.vars.TARGET}/echo` };
    await provider(metadata).client({ id: "tocsin", secret: ctx.secrets.TOKEN }).clientCredentials();
  },
});

// A redirect to the metadata service.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch(`${ctx.vars.TARGET}/redirect/302?to=http://169.254.169.254/`);
  },
});

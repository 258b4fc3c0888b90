// A redirect to a host that they do not list.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch(`${ctx.vars.TARGET}/redirect/302?to=http://localhost:8080/`);
  },
});

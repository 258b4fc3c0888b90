// A redirect to it as a number.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch(`${ctx.vars.TARGET}/redirect/307?to=http://2852039166/`);
  },
});

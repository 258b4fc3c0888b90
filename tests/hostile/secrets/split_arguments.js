// Over the arguments of one call.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log(ctx.secrets.TOKEN.slice(0, 7), ctx.secrets.TOKEN.slice(7));
  },
});

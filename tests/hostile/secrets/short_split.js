// A short one, over the arguments of one call and over several.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log("pin", ctx.secrets.TOKEN.slice(0, 2), ctx.secrets.TOKEN.slice(2));
    console.log(ctx.secrets.TOKEN.slice(0, 3));
    console.log(ctx.secrets.TOKEN.slice(3));
    console.log([...ctx.secrets.TOKEN].join(" "));
  },
});

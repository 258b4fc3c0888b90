// In small letters.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log(ctx.secrets.TOKEN.toLowerCase());
  },
});

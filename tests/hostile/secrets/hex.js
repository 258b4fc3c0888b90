// As hexadecimal digits.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log(Array.from(new TextEncoder().encode(ctx.secrets.TOKEN), (b) => b.toString(16).padStart(2, '0')).join(''));
  },
});

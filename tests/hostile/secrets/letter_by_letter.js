// Letter by letter.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (const letter of ctx.secrets.TOKEN) console.log(letter);
  },
});

// Control characters and lone surrogates.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log('\x1b[2J\x00\x07 \ud800 \u202e evil');
  },
});

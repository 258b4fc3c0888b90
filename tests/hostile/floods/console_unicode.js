// Letters of many bytes at the cut.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log('\u{1F525}'.repeat(100_000)); console.log('e' + '\u0301'.repeat(100_000));
  },
});

// A regular expression that backtracks.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    /^(a+)+$/.test('a'.repeat(60) + 'b');
  },
});

// A stack of megabytes.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const e = new Error('m'); e.stack = 'Error: m\n' + '    at evil (check:///x.js:1:1)\n'.repeat(200_000); throw e;
  },
});

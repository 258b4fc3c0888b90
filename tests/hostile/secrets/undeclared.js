// A secret that the check does not declare is not there.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    if (Object.keys(ctx.secrets).join() !== 'TOKEN') throw new Error('ESCAPED'); ctx.secrets.OTHER;
  },
});

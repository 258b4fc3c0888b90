// In the reason of a skip.
import { defineCheck, skip } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    skip(ctx.secrets.TOKEN);
  },
});

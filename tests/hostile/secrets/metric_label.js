// In a metric's label.
import { defineCheck, metric } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    metric('evil', 1, { token: ctx.secrets.TOKEN });
  },
});

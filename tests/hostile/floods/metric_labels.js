// Labels without end.
import { defineCheck, metric } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    metric('evil', 1, Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`label_${i}`, 'v'.repeat(10_000)])));
  },
});

// Metrics without end.
import { defineCheck, metric } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (let i = 0; i < 5_000; i++) metric(`evil_${i}`, i);
  },
});

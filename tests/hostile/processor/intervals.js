// Ten thousand intervals.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (let i = 0; i < 10_000; i++) setInterval(() => {}, 0); await new Promise(() => {});
  },
});

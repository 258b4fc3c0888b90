// Parameters without end.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const all = new URLSearchParams(); for (let i = 0; ; i++) all.append(`name${i}`, 'x'.repeat(1000));
  },
});

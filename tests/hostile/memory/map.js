// A map without end.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const all = new Map(); for (let i = 0; ; i++) all.set(i, { i, text: `evil ${i}` });
  },
});

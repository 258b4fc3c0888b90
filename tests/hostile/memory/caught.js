// Memory exhaustion that is caught, again and again.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (;;) { try { const all = []; for (;;) all.push(new Array(1e5).fill(0)); } catch {} }
  },
});

// Finalizers without end: only the kill from outside stops them.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const r = new FinalizationRegistry(() => { for (let i = 0; i < 1000; i++) r.register({}, i); }); for (let i = 0; i < 100_000; i++) r.register({}, i);
  },
});

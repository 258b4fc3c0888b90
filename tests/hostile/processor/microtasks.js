// Microtasks without end.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const again = () => Promise.resolve().then(again); await again();
  },
});

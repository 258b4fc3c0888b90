// Closures without end.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    let next = () => 0; for (;;) { const last = next; next = () => last; }
  },
});

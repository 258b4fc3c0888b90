// Recursion without end.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const again = () => again() + 1; again();
  },
});

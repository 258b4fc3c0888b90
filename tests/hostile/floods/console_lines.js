// Console lines without end.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (let i = 0; i < 10_000; i++) console.log(`line ${i}`);
  },
});

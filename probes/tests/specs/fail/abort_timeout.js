import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const signal = AbortSignal.timeout(5);
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  },
});

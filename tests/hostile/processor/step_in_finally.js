// Steps in a finally after the time is up.
import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    try { await new Promise((resolve, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))); }
    finally { for (;;) await step("more", () => {}); }
  },
});

import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    ctx.signal.addEventListener("abort", () => console.log("told:", ctx.signal.reason.name));
    await step("sleep", () => new Promise((resolve) => setTimeout(resolve, 60_000)));
  },
});

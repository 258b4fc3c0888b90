import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    await step("outer", async () => {
      await Promise.all([
        step("left", async () => { await pause(2); await step("left leaf", () => pause(1)); }),
        step("right", async () => { await pause(1); await step("right leaf", () => pause(2)); }),
      ]);
    });
    step("sync", () => 1);
    try {
      await step("fails", async () => { throw new Error("expected"); });
    } catch {}
  },
});

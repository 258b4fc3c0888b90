import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await step("wait", () => new Promise(() => {}));
  },
});

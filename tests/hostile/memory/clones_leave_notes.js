// Memory without end: the process crashes, and still says where.
import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log("signing in");
    await step("login", async () => {
      await step("x", async () => {
        let value = [1]; for (;;) value = structuredClone([value, value]);
      });
    });
  },
});

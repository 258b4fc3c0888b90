// A loop inside of a step, after it has said what it is about.
import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log("signing in");
    await step("login", async () => {
      await step("x", async () => {
        for (;;);
      });
    });
  },
});

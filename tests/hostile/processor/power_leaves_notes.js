// Arithmetic that the engine does not interrupt: killed hard, and still in a step.
import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log("signing in");
    await step("login", async () => {
      await step("x", async () => {
        let number = 7n ** 100_000n; for (;;) number = (number * number) % (10n ** 50_000n);
      });
    });
  },
});

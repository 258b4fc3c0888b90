// Secrets in the notes of a run that is killed hard, whole and in pieces.
import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  secrets: ["PASSWORD"],
  async run(ctx) {
    console.log("password", ctx.secrets.PASSWORD);
    console.log("signing in");
    console.log(ctx.secrets.PASSWORD.slice(0, 8));
    console.log(ctx.secrets.PASSWORD.slice(8));
    await step("login", async () => {
      await step(ctx.secrets.PASSWORD, async () => {});
      await step("x", async () => {
        let number = 7n ** 100_000n; for (;;) number = (number * number) % (10n ** 50_000n);
      });
    });
  },
});

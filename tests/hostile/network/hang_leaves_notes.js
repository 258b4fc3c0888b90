// A run that is killed hard while a request is under way: both are in its result, without the one-time code.
import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log("signing in");
    await step("login", async () => {
      await fetch(`${ctx.vars.TARGET}/hello?code=4711`).then((response) => response.text());
      fetch(`${ctx.vars.TARGET}/never`).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 20));
      await step("x", async () => {
        let number = 7n ** 100_000n; for (;;) number = (number * number) % (10n ** 50_000n);
      });
    });
  },
});

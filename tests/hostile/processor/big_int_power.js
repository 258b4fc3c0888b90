// A power.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    let number = 7n ** 100_000n; for (;;) number = (number * number) % (10n ** 50_000n);
  },
});

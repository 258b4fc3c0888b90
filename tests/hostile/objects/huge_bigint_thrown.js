// A number of a million digits is thrown.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    throw 10n ** 200_000n;
  },
});

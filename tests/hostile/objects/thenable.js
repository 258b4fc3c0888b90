// A thenable that resolves twice, throws and rejects.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    return { then(resolve, reject) { resolve("one"); resolve("two"); reject(new Error("three")); throw new Error("four"); } };
  },
});

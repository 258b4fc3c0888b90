// Nor do replaced arrays.
import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    Array.prototype.push = function () { throw new Error("evil"); };
    Array.prototype.map = () => [];
    Array.prototype[Symbol.iterator] = function* () {};
    await step("named", () => { throw new Error("seen anyway"); });
  },
});

// Causes in a circle.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const one = new Error("one"); const two = new Error("two", { cause: one }); one.cause = two;
    throw one;
  },
});

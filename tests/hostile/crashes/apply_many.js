// More arguments than there is stack.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    Math.max.apply(null, { length: 2 ** 30 });
  },
});

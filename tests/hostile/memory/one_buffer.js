// One buffer of everything.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    new ArrayBuffer(4 * 1024 ** 3);
  },
});

// A then on every object.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    Object.prototype.then = function (resolve) { delete Object.prototype.then; resolve("evil"); };
  },
});

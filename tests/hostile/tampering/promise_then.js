// A replaced Promise.prototype.then does not keep the run's end from being seen.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    Promise.prototype.then = function () { return this; };
  },
});

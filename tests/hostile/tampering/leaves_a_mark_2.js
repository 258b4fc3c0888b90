// ... is seen by no other.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    if (globalThis.evilMark || Array.prototype.evilMark || fetch.evilMark || ctx.constructor.evilMark) throw new Error("ESCAPED: an earlier run is seen");
    globalThis.evilMark = 1; Array.prototype.evilMark = 1; fetch.evilMark = 1; ctx.constructor.evilMark = 1;
  },
});

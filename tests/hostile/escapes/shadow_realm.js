// There is no second realm to be had, or one as poor as this.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    if (typeof ShadowRealm === "undefined") return;
    let found = "undefined";
    try { found = new ShadowRealm().evaluate("typeof Deno"); } catch {}
    if (found !== "undefined") throw new Error("ESCAPED");
  },
});

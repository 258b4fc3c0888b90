// Functions do not tell who called them.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    function sloppy() { return sloppy.caller; }
    let caller;
    try { caller = [1].map(sloppy)[0]; } catch {}
    if (typeof caller === "function" && /\[native|op_/.test(String(caller)) && /op_/.test(String(caller))) throw new Error("ESCAPED");
  },
});

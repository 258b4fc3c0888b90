// A stack's frames give away no function of the library.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    let taken;
    Error.prepareStackTrace = (error, frames) => { taken = frames; return "x"; };
    try { await fetch("nonsense:"); } catch (error) { void error.stack; }
    for (const frame of Array.isArray(taken) ? taken : []) {
      const made = frame.getFunction?.() ?? frame.getThis?.();
      if (typeof made === "function" && /op_/.test(String(made))) throw new Error("ESCAPED: a function of the library");
    }
  },
});

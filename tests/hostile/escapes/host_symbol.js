// The host script left nothing on the global object.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (const key of Object.getOwnPropertySymbols(globalThis)) if (/tocsin|Deno|internal/i.test(String(key))) throw new Error(`ESCAPED: ${String(key)}`);
    if (globalThis[Symbol.for("tocsin.host")]) throw new Error("ESCAPED: host");
  },
});

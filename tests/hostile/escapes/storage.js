// Nothing is stored for a later run.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (const name of ["localStorage", "sessionStorage", "caches", "indexedDB"]) if (typeof globalThis[name] !== "undefined") throw new Error(`ESCAPED: ${name}`);
  },
});

// Line breaks in a header.
import { defineCheck } from "tocsin";

async function refuses(act) {
  try { await act(); } catch { return; }
  throw new Error(`ESCAPED: ${act}`);
}

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (const value of ["a\r\nevil: 1", "a\nevil: 1", "a\0b"]) await refuses(async () => fetch(`${ctx.vars.TARGET}/hello`, { headers: { "x-a": value } }));
  },
});

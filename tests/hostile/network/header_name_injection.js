// Line breaks in a header's name.
import { defineCheck } from "tocsin";

async function refuses(act) {
  try { await act(); } catch { return; }
  throw new Error(`ESCAPED: ${act}`);
}

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (const name of ["a\r\nevil", "a b", "a:b", ""]) await refuses(async () => fetch(`${ctx.vars.TARGET}/hello`, { headers: [[name, "1"]] }));
  },
});

// A method that is two requests.
import { defineCheck } from "tocsin";

async function refuses(act) {
  try { await act(); } catch { return; }
  throw new Error(`ESCAPED: ${act}`);
}

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (const method of ["GET / HTTP/1.1\r\nevil: 1", "CONNECT", "TRACE", "G T"]) await refuses(async () => fetch(`${ctx.vars.TARGET}/hello`, { method }));
  },
});

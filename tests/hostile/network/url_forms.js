// Parts of an address that look like another host.
import { defineCheck } from "tocsin";

async function refuses(act) {
  try { await act(); } catch { return; }
  throw new Error(`ESCAPED: ${act}`);
}

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (const url of ["http://127.0.0.1\\@169.254.169.254/", "http://169.254.169.254#@127.0.0.1/", "http:169.254.169.254/", "http:///169.254.169.254/"]) await refuses(() => fetch(url));
  },
});

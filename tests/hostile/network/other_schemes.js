// Schemes that are none of fetch's.
import { defineCheck } from "tocsin";

async function refuses(act) {
  try { await act(); } catch { return; }
  throw new Error(`ESCAPED: ${act}`);
}

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (const url of ["ftp://127.0.0.1/", "gopher://127.0.0.1/", "ws://127.0.0.1/", "unix:///run/docker.sock", "javascript:1", "about:blank", "ext:core/mod.js"]) await refuses(() => fetch(url));
  },
});

// Nothing is imported that was not bundled, by generated code neither.
import { defineCheck } from "tocsin";

async function refuses(act) {
  try { await act(); } catch { return; }
  throw new Error(`ESCAPED: ${act}`);
}

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const load = new Function("name", "return import(name)");
    await refuses(() => load("ext:core/mod.js"));
  },
});

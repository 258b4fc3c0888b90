// The constructor of async functions imports no more than others.
import { defineCheck } from "tocsin";

async function refuses(act) {
  try { await act(); } catch { return; }
  throw new Error(`ESCAPED: ${act}`);
}

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const make = Object.getPrototypeOf(async () => {}).constructor;
    await refuses(() => make("return await import('ext:core/ops')")());
  },
});

// A buffer that is taken away while it is read.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const b = new ArrayBuffer(64); const v = new Uint8Array(b); structuredClone(b, { transfer: [b] }); v[0] = 1; v.fill(2);
  },
});

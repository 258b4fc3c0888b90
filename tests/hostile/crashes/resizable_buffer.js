// A buffer that shrinks below its views.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    if (!ArrayBuffer.prototype.resize) return; const b = new ArrayBuffer(1 << 16, { maxByteLength: 1 << 20 }); const v = new DataView(b); b.resize(8); try { v.setFloat64(60_000, 1); } catch (error) { if (error instanceof RangeError || error instanceof TypeError) return; throw error; } throw new Error('ESCAPED');
  },
});

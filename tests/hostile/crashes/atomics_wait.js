// A wait on shared memory.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    if (typeof SharedArrayBuffer === 'undefined') return; try { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10); } catch {}
  },
});

// Blobs without end.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const all = []; const part = new Uint8Array(1 << 20); for (;;) all.push(new Blob([part, part, part, part]));
  },
});

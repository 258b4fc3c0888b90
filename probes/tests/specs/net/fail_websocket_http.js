// A server that speaks HTTP and no WebSocket.
import { defineCheck } from "tocsin";
import { websocket } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars }) {
    await websocket(vars.TARGET.replace("http", "ws") + "/hello");
  },
});

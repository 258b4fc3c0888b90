import { defineCheck } from "tocsin";
import { websocket } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars }) {
    const socket = await websocket(vars.WEBSOCKET);
    await socket.send("silence");
    await socket.receiveJson({ timeout: 300 });
  },
});

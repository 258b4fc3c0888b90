// A WebSocket opens and answers.
//
//   WS_URL = "wss://live.example.com/socket"

import { check, defineCheck, step } from "tocsin";
import { websocket } from "tocsin/net";

export default defineCheck({
  description: "The live connection opens and answers",
  schedule: "every 30s",
  timeout: "10s",
  tags: ["websocket"],

  async run({ vars }) {
    const socket = await step("open", () => websocket(vars.WS_URL));

    // Every server answers a ping. Put what yours says in its place:
    //   await socket.sendJson({ subscribe: "orders" });
    //   expect(await socket.receiveJson({ timeout: "2s" })).toMatchObject({ subscribed: true });
    const pongMs = await step("ping", () => socket.ping({ timeout: "3s" }));
    check(pongMs, "milliseconds until the pong").toBeLessThan(1_000);

    await step("close", () => socket.close());
  },
});

import { check, defineCheck, expect, step } from "tocsin";
import { websocket } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { WEBSOCKET } }) {
    const socket = await step("open", () =>
      websocket(`${WEBSOCKET}/chat?room=1`, { protocols: ["tocsin.v2", "tocsin.v1"], headers: { "x-test": "a header" }, timeout: "20s" }),
    );
    check(socket.protocol).toBe("tocsin.v1");
    check(socket.headers.upgrade).toBe("websocket");
    check(socket.phases.connectMs).toBeGreaterThan(0);
    check(socket.phases.firstByteMs).toBeGreaterThan(0);
    await socket.send("hällo");
    check(await socket.receive()).toEqual({ type: "text", text: "hällo" });
    await socket.send(new Uint8Array([1, 2, 255]));
    check(await socket.receive()).toEqual({ type: "binary", bytes: new Uint8Array([1, 2, 255]) });
    await socket.sendJson({ op: "subscribe", ids: [1, 2] });
    check(await socket.receiveJson({ timeout: "20s" })).toEqual({ op: "subscribe", ids: [1, 2] });
    await socket.send("header");
    check(await socket.receiveText()).toBe("a header");

    await socket.send("before the pong");
    check(await socket.ping()).toBeGreaterThan(0);
    check(await socket.receiveText()).toBe("before the pong");

    await socket.send("close");
    check(await socket.receive()).toEqual({ type: "close", code: 4001, reason: "as you wish" });
    check(await socket.close()).toEqual({ code: 4001, reason: "as you wish" });

    const second = await websocket(WEBSOCKET);
    check(second.protocol).toBe("");
    check(await second.close(3999, "enough")).toEqual({ code: 3999, reason: "enough" });

    const third = await websocket(new URL(WEBSOCKET));
    await third.send("close");
    await expect(third.receiveText()).rejects.toThrow("expected a text message of");
    const fourth = await websocket(WEBSOCKET);
    await fourth.send("no JSON");
    await expect(fourth.receiveJson()).rejects.toThrow('got "no JSON"');
  },
});

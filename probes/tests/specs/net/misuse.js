// A wrong use of the module is the script's fault, and says what to write.
import { check, defineCheck } from "tocsin";
import { connect, dns, inspectTls, ocsp, ping, smtp, websocket } from "tocsin/net";

const outside = await connect("127.0.0.1:1").catch((error) => error.message);

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { TALK } }) {
    check(outside).toBe("connect was called while the script is evaluated: call it inside `run`");
    const connection = await connect(TALK);
    const misuses = [
      () => connect("127.0.0.1"),
      () => connect("http://127.0.0.1:80"),
      () => connect("127.0.0.1:99999"),
      () => connect(TALK, { time: 5 }),
      () => connect(TALK, { timeout: "soon" }),
      () => connection.send({}),
      () => connection.readBytes(0),
      () => connection.readUntil(""),
      () => connection.readLine({ maxBytes: -1 }),
      () => new connection.constructor(),
      () => inspectTls("a.test/x"),
      () => inspectTls("a.test", { alpn: "h2" }),
      () => ocsp({}),
      () => dns(""),
      () => dns("example.com", "QQ"),
      () => dns("example.com", "A", { transport: "carrier pigeon" }),
      () => ping("http://a.test"),
      () => ping("a.test", { count: 0 }),
      () => smtp("a.test", { tls: "maybe" }),
      () => smtp("a.test", { ehlo: "a\r\nQUIT" }),
      () => websocket("https://a.test/"),
      () => websocket(5),
      () => websocket("wss://a.test/", { protocols: "chat" }),
    ];
    for (const misuse of misuses) {
      let error;
      try {
        await misuse();
      } catch (thrown) {
        error = thrown;
      }
      check(error instanceof TypeError, `${misuse} throws a TypeError`).toBe(true);
      console.log(error?.message);
    }
  },
});

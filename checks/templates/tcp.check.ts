// A server accepts connections, and greets as it should.
//
//   TCP_ADDRESS = "ssh.example.com:22"
//   TCP_GREETING = "SSH-2.0-"

import { check, defineCheck, expect, step } from "tocsin";
import { type Address, connect } from "tocsin/net";

export default defineCheck({
  description: "The server accepts connections and greets",
  schedule: "every 30s",
  timeout: "10s",
  tags: ["tcp"],

  async run({ vars }) {
    // `{ tls: true }` makes a TLS handshake too.
    const connection = await step("connect", () => connect(vars.TCP_ADDRESS as Address, { timeout: "3s" }));

    await step("be greeted", async () => {
      // A server that waits for the client to begin needs `await connection.send("...")` first.
      const greeting = await connection.readLine({ timeout: "3s" });
      expect(greeting, "the greeting").toContain(vars.TCP_GREETING);
    });

    check(connection.phases.connectMs, "milliseconds to connect").toBeLessThan(500);
    connection.close();
  },
});

// A connection that a script speaks its own protocol on, and what the record of the run shows of it.
import { check, defineCheck, expect, step } from "tocsin";
import { connect } from "tocsin/net";

const text = (bytes) => new TextDecoder().decode(bytes);

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { TALK } }) {
    await step("talk", async () => {
      const connection = await connect(TALK, { timeout: "20s" });
      check(connection.remoteAddress).toBe(TALK);
      check(connection.phases.connectMs).toBeGreaterThan(0);
      // An address is not looked up, and nothing has been read yet.
      check([connection.phases.dnsMs, connection.phases.tlsMs, connection.phases.firstByteMs]).toEqual([undefined, undefined, undefined]);
      await connection.send("echo hällo\r\n");
      check(await connection.readLine()).toBe("hällo");
      await connection.send("bytes 5\necho a;b;c\n");
      check(text(await connection.readBytes(3))).toBe("xxx");
      check(text(await connection.readUntil(";"))).toBe("xxa;");
      check(await connection.readUntil(new Uint8Array([59]))).toEqual(new Uint8Array([98, 59]));
      check(await connection.readLine({ timeout: "20s" })).toBe("c");
      await connection.send(new TextEncoder().encode("count\n12345"));
      await connection.shutdown();
      check(text(await connection.readToEnd())).toBe("5 bytes");
      connection.close();
      connection.close();
      await expect(connection.send("x")).rejects.toThrow("the connection is closed");
    });
    const [host, port] = TALK.split(":");
    const second = await connect({ host, port: Number(port) });
    await second.send("echo two\n");
    expect(await second.readLine()).toBe("two");
  },
});

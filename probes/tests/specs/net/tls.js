// A handshake to look at; and one to speak over.
import { check, defineCheck, expect } from "tocsin";
import { connect, inspectTls } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { TLS } }) {
    const report = await inspectTls(TLS, { alpn: ["h2", "http/1.1"], timeout: "20s" });
    check(report).toMatchObject({
      serverName: "localhost",
      version: "TLSv1.3",
      cipher: expect.stringMatching(/^TLS13_/),
      alpn: "h2",
      trusted: true,
      problems: [],
      ocspStapled: false,
      phases: { connectMs: expect.any(Number), tlsMs: expect.any(Number) },
    });
    const [leaf, authority] = report.certificates;
    check(leaf).toMatchObject({
      subject: "CN=localhost",
      issuer: "CN=Tocsin Test CA",
      names: ["localhost"],
      notBefore: new Date("2020-01-01T00:00:00Z"),
      notAfter: new Date("2200-01-01T00:00:00Z"),
      key: "ECDSA P-256",
      serial: expect.stringMatching(/^[0-9a-f]{2}(:[0-9a-f]{2})+$/),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      ocspUrls: [],
    });
    check(leaf.daysLeft).toBeGreaterThan(10_000);
    check(authority.subject).toBe("CN=Tocsin Test CA");

    const connection = await connect(TLS, { tls: { alpn: ["http/1.1"] } });
    await connection.send("GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    check(await connection.readLine()).toBe("HTTP/1.1 200 OK");
    check(new TextDecoder().decode(await connection.readToEnd())).toMatch(/\r\n\r\nhello$/);
  },
});

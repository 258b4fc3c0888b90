// A mail server that speaks TLS from the first byte, as on port 465.
import { check, defineCheck, expect } from "tocsin";
import { smtp } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { MAIL, MAIL_IMPLICIT } }) {
    check(await smtp(MAIL_IMPLICIT, { tls: "implicit", ehlo: "check.test", timeout: "20s" })).toMatchObject({
      greeting: "mail.test ESMTP",
      name: "mail.test at your service",
      capabilities: { AUTH: "PLAIN LOGIN", SIZE: "2000" },
      tls: { trusted: true, version: "TLSv1.3", serverName: "localhost" },
      phases: { connectMs: expect.any(Number), tlsMs: expect.any(Number) },
    });
    // One that waits for STARTTLS says its greeting in the clear.
    const wrong = await smtp(MAIL, { tls: "implicit" }).catch((error) => error);
    check(wrong.message).toContain("does not speak TLS on this port");
  },
});

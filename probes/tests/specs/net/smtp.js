// How a mail server greets, before and after STARTTLS.
import { check, defineCheck, expect } from "tocsin";
import { smtp } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { MAIL } }) {
    const mail = await smtp(MAIL, { timeout: "20s" });
    check(mail).toMatchObject({
      greeting: "mail.test ESMTP",
      name: "mail.test at your service",
      capabilities: { AUTH: "PLAIN LOGIN", SIZE: "2000" },
      tls: { trusted: true, version: "TLSv1.3", certificates: [{ names: ["localhost"] }, {}] },
      phases: { connectMs: expect.any(Number), tlsMs: expect.any(Number) },
    });
    const clear = await smtp(MAIL, { tls: "none" });
    check(clear.tls).toBeUndefined();
    check(clear.capabilities).toEqual({ STARTTLS: "", "8BITMIME": "", SIZE: "1000" });
  },
});

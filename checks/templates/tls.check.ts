// The certificate is trusted, for this name, and has days left.
//
//   TLS_URL = "https://www.example.com/"

import { connection, defineCheck, expect, log, metric, step } from "tocsin";

/** Renewal should have happened long before this. */
const DAYS_LEFT_MIN = 14;

export default defineCheck({
  description: "The TLS certificate is good, and not about to expire",
  // A certificate changes slowly; an hour is soon enough to hear of it.
  schedule: "every 1h",
  timeout: "10s",
  tags: ["tls"],

  async run({ vars }) {
    // The handshake itself refuses a certificate that is not trusted, has expired, or is for another name.
    const response = await step("shake hands", () => fetch(vars.TLS_URL, { method: "HEAD", redirect: "manual" }));

    await step("look at the certificate", () => {
      const { tls } = connection(response);
      expect(tls, "TLS").toBeDefined();
      expect(["TLSv1.2", "TLSv1.3"], "versions of TLS that are safe").toContain(tls?.version);
      const [leaf] = tls?.certificates ?? [];
      expect(leaf, "the server's certificate").toBeDefined();
      log("certificate", { subject: leaf?.subject, issuer: leaf?.issuer, until: leaf?.notAfter });
      metric("certificate_days_left", leaf?.daysLeft ?? 0, { unit: "days" });
      expect(leaf?.daysLeft, "days left").toBeGreaterThanOrEqual(DAYS_LEFT_MIN);
    });
  },
});

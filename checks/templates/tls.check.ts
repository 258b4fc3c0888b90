// The certificate is trusted, for this name, and has days left.
//
//   TLS_ADDRESS = "www.example.com:443"

import { check, defineCheck, expect, log, metric, step } from "tocsin";
import { inspectTls } from "tocsin/net";

/** Renewal should have happened long before this. */
const DAYS_LEFT_MIN = 14;

export default defineCheck({
  description: "The TLS certificate is good, and not about to expire",
  // A certificate changes slowly; an hour is soon enough to hear of it.
  schedule: "every 1h",
  timeout: "10s",
  tags: ["tls"],

  async run({ vars }) {
    const seen = await step("shake hands", () => inspectTls(vars.TLS_ADDRESS));

    await step("look at the certificate", () => {
      const [leaf] = seen.certificates;
      log("certificate", { subject: leaf?.subject, issuer: leaf?.issuer, until: leaf?.notAfter });
      // Expired, for another name, by an unknown issuer: all of it at once, in words.
      expect(
        seen.problems.map((problem) => problem.message),
        "problems of the certificate",
      ).toEqual([]);
      // A series that alert rules can ask: tocsin_check_metric{metric="certificate_days_left"}.
      metric("certificate_days_left", leaf?.daysLeft ?? 0, { unit: "days" });
      expect(leaf?.daysLeft, "days left").toBeGreaterThanOrEqual(DAYS_LEFT_MIN);
      check(["TLSv1.2", "TLSv1.3"], "versions of TLS that are safe").toContain(seen.version);
    });
  },
});

// The certificate that every client of the provider sees.
//
// Notices: expired-certificate (expired, or with few days left), outage, and drop on /test.

import { AssertionError, check, connection, defineCheck, expect, log, step } from "tocsin";
import { visitor } from "./auth-stack.ts";

/** Enough for a renewal that fails on a Friday to be mended on a Monday, twice. */
const DAYS_LEFT_MIN = 14;

export default defineCheck({
  description: "The TLS certificate is for this name and has days left",
  schedule: "every 5m",
  timeout: "10s",
  tags: ["tls"],
  runbook: "https://runbooks.tocsin.test/certificate",

  async run({ vars }) {
    const site = visitor({ vars });
    const { hostname } = new URL(site.url("/"));

    // An expired certificate ends here already: `fetch` refuses the connection, with the class network-tls.
    const { tls } = await step("connect", async () => {
      const response = await fetch(site.url("/test"));
      await response.body?.cancel();
      return connection(response);
    });

    await step("read the certificates", () => {
      expect(tls, "TLS of the connection").toBeDefined();
      const { version, certificates } = tls!;
      check(version, "TLS version").toMatch(/^TLSv1\.[23]$/);
      expect(certificates.length, "certificates sent").toBeGreaterThan(0);

      for (const { subject, daysLeft } of certificates) {
        log("certificate", { subject, days_left: daysLeft });
        check(daysLeft, `days left of the certificate ${subject}`).toBeGreaterThanOrEqual(DAYS_LEFT_MIN);
      }
      const names = certificates[0]!.names;
      const covered = names.includes(hostname) || names.includes(hostname.replace(/^[^.]+/, "*"));
      if (!covered) throw new AssertionError(`the certificate is for ${names.join(", ")}, and not for ${hostname}`);
    });
  },
});

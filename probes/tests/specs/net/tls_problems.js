// Certificates that nobody should trust are answers, with everything that is wrong with them.
import { check, defineCheck, expect } from "tocsin";
import { inspectTls } from "tocsin/net";

const kinds = ({ problems }) => problems.map(({ kind }) => kind).sort();

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { TLS, TLS_EXPIRED, TLS_UNKNOWN } }) {
    const expired = await inspectTls(TLS_EXPIRED);
    check(expired.trusted).toBe(false);
    check(expired.problems).toEqual([{ kind: "expired", message: expect.stringMatching(/^certificate of localhost expired \d+ days ago \(2021-03-04\)$/) }]);
    check(expired.certificates[0].daysLeft).toBeLessThan(-1000);

    const wrong = await inspectTls(TLS, { serverName: "shop.example.com" });
    check(wrong.problems).toEqual([{ kind: "wrong-host", message: "certificate is for localhost, and not for shop.example.com" }]);

    const both = await inspectTls(TLS_EXPIRED, { serverName: "shop.example.com" });
    check(kinds(both)).toEqual(["expired", "wrong-host"]);

    const unknown = await inspectTls(TLS_UNKNOWN);
    check(kinds(unknown)).toEqual(["unknown-issuer", "wrong-host"]);
    check(unknown.problems[0].message).toMatch(/is signed by CN=Nobody, which is not trusted/);
  },
});

// What the issuer says of a certificate: stapled, asked for where the certificate says, and asked elsewhere.
import { check, defineCheck, expect, step } from "tocsin";
import { inspectTls, ocsp } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { OCSP, TLS, TLS_RESPONDER, TLS_REVOKED, TLS_STAPLED } }) {
    const stapled = await inspectTls(TLS_STAPLED);
    check(stapled.ocspStapled).toBe(true);
    const good = await ocsp(stapled);
    check(good).toMatchObject({ source: "stapled", status: "good", current: true, signature: "valid" });
    check(good.thisUpdate < new Date() && new Date() < good.nextUpdate).toBe(true);
    check(good.producedAt).toEqual(good.thisUpdate);

    check(await ocsp(await inspectTls(TLS_REVOKED))).toMatchObject({
      status: "revoked",
      reason: "KeyCompromise",
      revokedAt: new Date(1_700_000_000_000),
      signature: "valid",
    });

    const named = await inspectTls(TLS_RESPONDER);
    check(named.certificates[0].ocspUrls).toEqual([`${OCSP}/delegated`]);
    const asked = await step("ask the responder", () => ocsp(named));
    check(asked).toMatchObject({ source: "request", responder: `${OCSP}/delegated`, status: "good", signature: "valid" });

    const plain = await inspectTls(TLS);
    const says = async (path) => {
      const { status, current, signature } = await ocsp(plain, { responder: `${OCSP}/${path}` });
      return [status, current, signature];
    };
    check(await says("good")).toEqual(["good", true, "valid"]);
    check(await says("revoked")).toEqual(["revoked", true, "valid"]);
    check(await says("unknown")).toEqual(["unknown", true, "valid"]);
    check(await says("stale")).toEqual(["good", false, "valid"]);
    check(await says("forged")).toEqual(["good", true, "invalid"]);
    check(await says("undelegated")).toEqual(["good", true, "invalid"]);
    await expect(says("later")).rejects.toThrow("the OCSP response is a refusal: try later");
    await expect(says("broken")).rejects.toThrow("the OCSP response cannot be read");
    await expect(says("busy")).rejects.toThrow("the OCSP responder answered with 503 Service Unavailable");
    await expect(ocsp(plain)).rejects.toThrow("the certificate names no OCSP responder, and no response is stapled");
  },
});

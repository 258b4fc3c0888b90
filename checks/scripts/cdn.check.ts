// Login pages everywhere load the library and the client's configuration from the CDN.
//
// Notices: stale-cdn, missing-security-headers on the CDN, and slow, error, outage, drop and truncated-body on it.

import { AssertionError, check, defineCheck, expect, log, step } from "tocsin";
import { checkFirstByte, json, parsed, text } from "./http/answer.ts";
import { Provider } from "./oidc/provider.ts";

const SCRIPT = /^(text|application)\/javascript\b/i;

export default defineCheck({
  description: "The CDN serves the library that its manifest promises, and each client's own configuration",
  schedule: "every 30s",
  timeout: "10s",
  tags: ["cdn", "critical"],
  runbook: "https://runbooks.tocsin.test/cdn",

  async run({ vars }) {
    const provider = new Provider({ vars });

    const promised = await step("read the manifest", async () => {
      const manifest = await json(await fetch(provider.url("/cdn/manifest.json")));
      expect(manifest, "the manifest").toMatchObject({
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        files: {
          "auth.min.js": {
            url: expect.any(String),
            integrity: expect.stringMatching(/^sha384-/),
            bytes: expect.any(Number),
          },
        },
      });
      return { version: manifest.version, ...manifest.files["auth.min.js"] };
    });

    await step("load the library", async () => {
      const response = await fetch(provider.url(promised.url));
      const bytes = new Uint8Array(await response.arrayBuffer());
      expect(response).toHaveStatus(200);
      checkFirstByte(response);
      expect(response).toHaveHeader("content-type", SCRIPT);
      // Browsers refuse to run it where the hash differs (W3C Subresource Integrity): every login page is then blank.
      expect(bytes.length, "bytes of the library").toBe(promised.bytes);
      expect(await integrity(bytes), "integrity of the library").toBe(promised.integrity);
      check(response).toHaveHeader("cache-control", /\bimmutable\b/);
      check(response).toHaveHeader("access-control-allow-origin", "*");
      check(response).toHaveHeader("x-content-type-options", "nosniff");
      log("library", { version: promised.version, bytes: bytes.length });
    });

    await step("load a client's configuration", async () => {
      const response = await fetch(provider.url(`/cdn/client/${vars.SPA_CLIENT_ID}.js`));
      const script = await text(response);
      expect(response).toHaveHeader("content-type", SCRIPT);
      const assigned = /^window\.\w+\s*=\s*(\{.*\});?\s*$/s.exec(script);
      if (assigned === null) throw new AssertionError("the configuration is no assignment of one object, to its end");
      expect(parsed(assigned[1]!, "the configuration's object"), "the configuration").toMatchObject({
        issuer: provider.issuer,
        client_id: vars.SPA_CLIENT_ID,
        redirect_uris: expect.arrayContaining([provider.url("/callback")]),
        library: { version: promised.version, integrity: promised.integrity },
      });
      // Kept for long, a configuration outlives the change that it was deployed for.
      const seconds = Number(/\bmax-age=(\d+)/.exec(response.headers.get("cache-control") ?? "")?.[1]);
      check(seconds, "seconds that a configuration is cached").toBeLessThanOrEqual(300);
    });
  },
});

/** The Subresource Integrity value of a file. */
async function integrity(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-384", bytes));
  return `sha384-${btoa(String.fromCharCode(...digest))}`;
}

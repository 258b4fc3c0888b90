// Login pages everywhere load the library and the client's configuration from the CDN.
//
// Notices: stale-cdn, missing-security-headers on the CDN, and slow, error, outage, drop and truncated-body on it.

import { AssertionError, check, defineCheck, expect, log, step } from "tocsin";
import { caching, expectIntegrity } from "tocsin/http";
import { visitor } from "./auth-stack.ts";

const SCRIPT = /^(text|application)\/javascript\b/i;

export default defineCheck({
  description: "The CDN serves the library that its manifest promises, and each client's own configuration",
  schedule: "every 30s",
  timeout: "10s",
  tags: ["cdn", "critical"],
  runbook: "https://runbooks.tocsin.test/cdn",

  async run({ vars }) {
    const site = visitor({ vars });

    const promised = await step("read the manifest", async () => {
      const manifest = (await site.get("/cdn/manifest.json")).expectStatus(200).json();
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
      const library = (await site.get(promised.url)).expectStatus(200);
      expect(library).toHaveHeader("content-type", SCRIPT);
      // Browsers refuse to run it where the hash differs (W3C Subresource Integrity): every login page is then blank.
      expect(library.bytes.length, "bytes of the library").toBe(promised.bytes);
      await expectIntegrity(library.bytes, promised.integrity, "the library");
      check(caching(library), "caching of the library").toMatchObject({ immutable: true });
      check(library).toHaveHeader("access-control-allow-origin", "*");
      check(library).toHaveHeader("x-content-type-options", "nosniff");
      log("library", { version: promised.version, bytes: library.bytes.length });
    });

    await step("load a client's configuration", async () => {
      const script = (await site.get(`/cdn/client/${vars.SPA_CLIENT_ID}.js`)).expectStatus(200);
      expect(script).toHaveHeader("content-type", SCRIPT);
      const assigned = /^window\.\w+\s*=\s*(\{.*\});?\s*$/s.exec(script.text);
      if (assigned === null) throw new AssertionError("the configuration is no assignment of one object, to its end");
      expect(parsed(assigned[1]!), "the configuration").toMatchObject({
        issuer: site.url("/"),
        client_id: vars.SPA_CLIENT_ID,
        redirect_uris: expect.arrayContaining([site.url("/callback")]),
        library: { version: promised.version, integrity: promised.integrity },
      });
      // Kept for long, a configuration outlives the change that it was deployed for.
      check(caching(script).maxAgeS ?? NaN, "seconds that a configuration is cached").toBeLessThanOrEqual(300);
    });
  },
});

/** The value of a JSON text that stands in a script. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AssertionError("the configuration assigns an object that is no JSON");
  }
}

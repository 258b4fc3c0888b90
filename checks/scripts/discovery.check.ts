// Clients configure themselves from the discovery document. What it says is a promise: a change breaks them all at
// once.
//
// Notices: discovery-drift, wrong-issuer, missing-jwks-key, and slow, error, outage, drop and truncated-body on
// discovery and JWKS.

import { check, defineCheck, expect, step } from "tocsin";
import { discover } from "tocsin/auth";
import { visitor } from "./auth-stack.ts";

export default defineCheck({
  description: "The discovery document says what clients were built against, and its keys are there",
  schedule: "every 30s",
  timeout: "10s",
  tags: ["discovery", "critical"],
  runbook: "https://runbooks.tocsin.test/discovery",

  async run({ vars }) {
    const site = visitor({ vars });

    // Refuses another issuer than the one asked, as every client must (OpenID Connect Discovery, section 4.3).
    const provider = await step("read the discovery document", () => discover(site.url("/"), { agent: site }));

    await step("compare it with what clients rely on", () => {
      const found = provider.metadata;
      const promised = {
        authorization_endpoint: site.url("/authorize"),
        token_endpoint: site.url("/oauth/token"),
        userinfo_endpoint: site.url("/userinfo"),
        jwks_uri: site.url("/.well-known/jwks.json"),
        response_types_supported: expect.arrayContaining(["code"]),
        code_challenge_methods_supported: expect.arrayContaining(["S256"]),
        id_token_signing_alg_values_supported: expect.arrayContaining(["RS256"]),
        subject_types_supported: expect.arrayContaining(["public"]),
        scopes_supported: expect.arrayContaining(["openid", "profile", "email", "offline_access"]),
        grant_types_supported: expect.arrayContaining(["authorization_code", "refresh_token"]),
      };
      for (const [name, value] of Object.entries(promised)) check(found[name], name).toEqual(value);
      for (const [name, value] of Object.entries(found)) {
        if (!name.endsWith("_endpoint") && name !== "jwks_uri") continue;
        expect(new URL(String(value)).origin, `origin of ${name}`).toBe(new URL(provider.issuer).origin);
      }
    });

    await step("find a key to verify tokens with", async () => {
      expect(await provider.keys(), "the published keys").toContainEqual(
        expect.objectContaining({ kty: "RSA", alg: "RS256", use: "sig", kid: expect.stringMatching(/./) }),
      );
    });
  },
});

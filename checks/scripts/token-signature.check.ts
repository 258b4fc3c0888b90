// A service gets an access token for an API, and the API can verify it.
//
// Notices: bad-signature, expired-key, missing-jwks-key, wrong-issuer, wrong-audience, expired-token, future-token, and
// slow, error, outage, drop and truncated-body on the token endpoint and the JWKS.

import { defineCheck, expect, step } from "tocsin";
import { decode, expectClaims, expectSignature, publishedKeys } from "./oidc/jwt.ts";
import { Provider } from "./oidc/provider.ts";

export default defineCheck({
  description: "Access tokens are signed with a published key, and say the right issuer, audience and times",
  schedule: "every 30s",
  timeout: "10s",
  tags: ["tokens", "critical"],
  secrets: ["M2M_SECRET"],
  runbook: "https://runbooks.tocsin.test/token-signature",

  async run({ vars, secrets }) {
    const provider = new Provider({ vars });

    const [tokens, keys] = await Promise.all([
      step("get an access token", () =>
        provider.tokens({
          grant_type: "client_credentials",
          client_id: vars.M2M_CLIENT_ID,
          client_secret: secrets.M2M_SECRET,
          audience: vars.API_AUDIENCE,
        }),
      ),
      step("get the published keys", () => publishedKeys(provider.url("/.well-known/jwks.json"))),
    ]);

    await step("verify the access token", async () => {
      const token = decode(tokens.access_token, "access token");
      await expectSignature(token, keys, "access token");
      expectClaims(token, { issuer: provider.issuer, audience: vars.API_AUDIENCE }, "access token");
      // Clients plan their next request by what the answer says, and the API goes by the token.
      const promised = token.claims.exp - token.claims.iat - tokens.expires_in;
      expect(Math.abs(promised), "seconds between the token's lifetime and expires_in").toBeLessThanOrEqual(5);
    });

    await step("publish no private key", () => {
      for (const key of keys) {
        const secret = ["d", "p", "q", "dp", "dq", "qi", "k"].filter((member) => member in key);
        expect(secret, `private members of the published key ${key.kid}`).toEqual([]);
      }
    });
  },
});

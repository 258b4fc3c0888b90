// A service gets an access token for an API, and the API can verify it.
//
// Notices: bad-signature, expired-key, missing-jwks-key, wrong-issuer, wrong-audience, expired-token, future-token, and
// slow, error, outage, drop and truncated-body on the token endpoint and the JWKS.

import { defineCheck, expect, step } from "tocsin";
import { decodeJwt, verifyJwt } from "tocsin/auth";
import { FRESH, stack } from "./auth-stack.ts";

export default defineCheck({
  description: "Access tokens are signed with a published key, and say the right issuer, audience and times",
  schedule: "every 30s",
  timeout: "10s",
  tags: ["tokens", "critical"],
  secrets: ["M2M_SECRET"],
  runbook: "https://runbooks.tocsin.test/token-signature",

  async run({ vars, secrets }) {
    const provider = stack({ vars });
    const client = provider.client({ id: vars.M2M_CLIENT_ID!, secret: secrets.M2M_SECRET });

    const [tokens, keys] = await Promise.all([
      step("get an access token", () =>
        client.clientCredentials({ audience: vars.API_AUDIENCE! }),
      ),
      // Refuses a JWKS that publishes private members of a key.
      step("get the published keys", () => provider.keys()),
    ]);

    await step("verify the access token", async () => {
      await verifyJwt(tokens.access_token, {
        what: "access token",
        keys,
        algorithms: ["RS256"],
        issuer: provider.issuer,
        audience: vars.API_AUDIENCE!,
        ...FRESH,
      });
      // Clients plan their next request by what the answer says, and the API goes by the token.
      const { exp, iat } = decodeJwt(tokens.access_token, "access token").claims;
      const promised = exp - iat - (tokens.expires_in ?? NaN);
      expect(Math.abs(promised), "seconds between the token's lifetime and expires_in").toBeLessThanOrEqual(5);
    });
  },
});

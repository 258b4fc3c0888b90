// OpenID Connect as a client sees it: the provider describes itself, issues a token, and the token verifies.
//
//   ISSUER_URL = "https://login.example.com/"
//   M2M_CLIENT_ID = "tocsin"
//   API_AUDIENCE = "https://api.example.com/"

import { defineCheck, step } from "tocsin";
import { discover, verifyJwt } from "tocsin/auth";

export default defineCheck({
  description: "The identity provider issues tokens that verify",
  schedule: "every 30s",
  timeout: "10s",
  tags: ["login", "tokens"],
  secrets: ["M2M_SECRET"],

  async run({ vars, secrets }) {
    // Fails where the document is not what clients may believe: another issuer, an endpoint without TLS, a missing member.
    const provider = await step("discover the provider", () => discover(vars.ISSUER_URL));

    const client = provider.client({
      id: vars.M2M_CLIENT_ID,
      // By HTTP Basic; `method: "client_secret_post"` sends it in the form, and a `key` signs assertions instead.
      secret: secrets.M2M_SECRET,
    });

    const tokens = await step("ask for a token", () => client.clientCredentials({ audience: vars.API_AUDIENCE }));

    await step("verify it", async () => {
      await verifyJwt(tokens.access_token, {
        what: "access token",
        keys: await provider.keys(),
        issuer: provider.issuer,
        audience: vars.API_AUDIENCE,
        // Old enough to be a cached one, or too short to be of use, is wrong too.
        maxAgeS: 60,
        validForS: 60,
      });
    });

    // A door that opens for every key is as broken as one that opens for none.
    await step("refuse a wrong secret", () =>
      provider
        .client({ id: vars.M2M_CLIENT_ID, secret: "not the secret" })
        .expectRefused({ grant_type: "client_credentials", audience: vars.API_AUDIENCE }, "invalid_client"),
    );
  },
});

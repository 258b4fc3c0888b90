// A service that proves itself by a key: `private_key_jwt`, and each way in which that must be refused.
import { defineCheck, step } from "tocsin";
import { discover, type SigningKey, signJwt, verifyJwt } from "tocsin/auth";
import { agent } from "tocsin/http";
import keys from "./keys.json" with { type: "json" };

const TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

export default defineCheck({
  schedule: "every 30s",
  timeout: "30s",
  async run({ vars }) {
    const idp = await discover(new URL("/", vars.AUTH_URL), { agent: agent({ baseUrl: vars.AUTH_URL! }) });
    const id = "tocsin-service";
    const audience = vars.API_AUDIENCE!;
    const expected = { issuer: idp.issuer, audience, type: "at+jwt", subject: `${id}@clients` };

    await step("by its key", async () => {
      const service = idp.client({ id, key: keys.key, algorithm: "ES256" });
      const tokens = await service.clientCredentials({ audience });
      await verifyJwt(tokens.access_token, { keys: await idp.keys(), ...expected });
      await idp.client({ id, key: keys.key, algorithm: "ES256", assertionAudience: idp.issuer }).clientCredentials();
    });

    await step("by anything else", async () => {
      const grant = { grant_type: "client_credentials" };
      const nowS = Math.floor(Date.now() / 1000);
      const good = { iss: id, sub: id, aud: idp.endpoint("token_endpoint"), jti: "1", iat: nowS, exp: nowS + 60 };
      const pair = (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign"])) as CryptoKeyPair;
      const otherKey = await crypto.subtle.exportKey("jwk", pair.privateKey);
      const asked = async (claims: object, what: string, key: SigningKey = keys.key) => {
        const client_assertion = await signJwt(claims, { key, algorithm: "ES256" });
        const form = { ...grant, client_assertion_type: TYPE, client_assertion };
        await idp.client({ id }).expectRefused(form, "invalid_client", what);
      };
      await asked(good, "another key", otherKey);
      await asked({ ...good, exp: nowS - 1 }, "an expired assertion");
      await asked({ ...good, exp: nowS + 3600 }, "an assertion that is good for an hour");
      await asked({ ...good, aud: "https://else.test/token" }, "an assertion for somebody else");
      await asked({ ...good, iss: "tocsin-m2m" }, "an assertion of somebody else");
      await asked({ ...good, sub: "tocsin-m2m", iss: "tocsin-m2m" }, "a client without a key");
      await asked({ ...good, jti: undefined }, "an assertion without an id");
      await idp.client({ id }).expectRefused(grant, "invalid_client", "no proof at all");
      await idp.client({ id, secret: "guess" }).expectRefused(grant, "invalid_client", "a secret");
    });
  },
});

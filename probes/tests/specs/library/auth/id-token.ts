// What a client verifies of the ID token that comes with its tokens, with the keys that the provider publishes.
import { defineCheck, expect } from "tocsin";
import { provider, signJwt, TokenError } from "tocsin/auth";
import { METADATA, questions, serve } from "./modules/provider.ts";
import { told } from "../modules/told.ts";
import given from "./modules/tokens.json" with { type: "json" };

const { accessToken, nonce, keys } = given;
const key = given.private.ES256.jwk;
const client = provider(METADATA).client({ id: "spa" });
const nowS = Math.floor(Date.now() / 1000);
const CLAIMS = { iss: METADATA.issuer, aud: "spa", sub: "user-1", iat: nowS, exp: nowS + 300, nonce };

/** Verifies the token with these claims changed; the provider publishes its keys. */
const verified = (change: object, options = {}, more = {}) => async () => {
  serve(() => ({ json: { keys } }));
  const id_token = await signJwt({ ...CLAIMS, ...change }, { key, algorithm: "ES256" });
  const tokens = { access_token: accessToken, token_type: "Bearer", id_token, ...more };
  return (await client.verifyIdToken(tokens, options)).sub;
};

export default defineCheck({
  schedule: "every 30s",
  async run() {
    await told({
      "as it should be": verified({}, { nonce }),
      "the hash of its access token": verified({ at_hash: "wrong" }),
      "another audience": verified({ aud: "other" }),
      "several audiences, for this client": verified({ aud: ["spa", "api"], azp: "spa" }),
      "several audiences, for another client": verified({ aud: ["spa", "api"], azp: "other" }),
      "another issuer": verified({ iss: "https://else.test/" }),
      "another nonce": verified({ nonce: "other" }, { nonce }),
      "expired": verified({ iat: nowS - 700, exp: nowS - 400 }),
      "another subject": verified({}, { subject: "user-2" }),
      "an algorithm that is not allowed": verified({}, { algorithms: ["RS256"] }),
      "no ID token": verified({}, {}, { id_token: undefined }),
      "another key": verified({}, { keys: keys.filter(({ alg }) => alg !== "ES256") }),
    });
    questions();
    await verified({})();
    expect(questions().map(({ url }) => url.pathname)).toEqual(["/jwks"]);
    // Keys that are at hand are not asked for.
    await verified({}, { keys })();
    expect(questions()).toEqual([]);
    const error = await verified({ aud: "other" })().catch((thrown) => thrown);
    expect(error).toBeInstanceOf(TokenError);
    expect(error.reason).toMatchObject({ claim: "aud" });
  },
});

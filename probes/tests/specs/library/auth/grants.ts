// The grants of a client, how it proves who it is, and every answer of the token endpoint that is refused.
import { defineCheck, expect } from "tocsin";
import { decodeJwt, provider, verifyJwt } from "tocsin/auth";
import { type Answered, METADATA, NO_STORE, questions, serve, TOKENS } from "./modules/provider.ts";
import { told } from "../modules/told.ts";
import given from "./modules/tokens.json" with { type: "json" };

const idp = provider(METADATA);
const spa = idp.client({ id: "spa" });
const answering = (answer: Answered, act: () => unknown = () => spa.clientCredentials()) => async () => {
  serve(() => answer);
  return act();
};
const tokens = (change: object, headers: Record<string, string> = NO_STORE) =>
  answering({ json: { ...TOKENS, ...change }, headers });
const refused = (answer: Answered) => answering(answer, () => spa.expectRefused({ grant_type: "password" }, "invalid_grant", "a wrong password"));

async function asked(act: () => Promise<unknown>): Promise<{ form: Record<string, string>; authorization: string | null }> {
  serve(() => ({ json: { ...TOKENS, refresh_token: "next" }, headers: NO_STORE }));
  questions();
  await act();
  const [question] = questions();
  return { form: Object.fromEntries(question!.form), authorization: question!.headers.get("authorization") };
}

export default defineCheck({
  schedule: "every 30s",
  async run() {
    // Who asks.
    const basic = idp.client({ id: "a b", secret: "s:%/ü" });
    expect(await asked(() => basic.clientCredentials({ scope: "read", audience: undefined }))).toEqual({
      form: { grant_type: "client_credentials", scope: "read" },
      authorization: `Basic ${btoa("a+b:s%3A%25%2F%C3%BC")}`,
    });
    const post = idp.client({ id: "native", secret: "s", method: "client_secret_post" });
    expect(await asked(() => post.password({ username: "u", password: "p", scope: "openid" }))).toEqual({
      form: { grant_type: "password", username: "u", password: "p", scope: "openid", client_id: "native", client_secret: "s" },
      authorization: null,
    });
    expect((await asked(() => spa.refresh("old"))).form).toEqual({ grant_type: "refresh_token", refresh_token: "old", client_id: "spa" });
    for (const key of [given.private.ES256.jwk, given.private.ES256.pem]) {
      const signed = idp.client({ id: "m2m", key, algorithm: "ES256", kid: "es256-1" });
      const { form } = await asked(() => signed.clientCredentials());
      expect(form).toMatchObject({ client_id: "m2m", client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" });
      const claims = await verifyJwt(form.client_assertion, { keys: given.keys, issuer: "m2m", audience: METADATA.token_endpoint });
      expect(claims).toMatchObject({ sub: "m2m", jti: expect.stringMatching(/^[\w-]{43}$/) });
      expect(claims.exp - claims.iat).toBe(60);
      expect(decodeJwt(form.client_assertion).header.kid).toBe("es256-1");
    }
    const elsewhere = idp.client({ id: "m2m", key: given.private.ES256.jwk, assertionAudience: METADATA.issuer });
    const { form: assertion } = await asked(() => elsewhere.clientCredentials());
    expect(decodeJwt(assertion.client_assertion).claims.aud).toBe(METADATA.issuer);

    await told({
      "tokens": tokens({}),
      "no access token": tokens({ access_token: undefined }),
      "an ID token that is no text": tokens({ id_token: 5 }),
      "an empty refresh token": tokens({ refresh_token: "" }),
      "another type": tokens({ token_type: "mac" }),
      "no lifetime": tokens({ expires_in: 0 }),
      "a lifetime that is a text": tokens({ expires_in: "soon" }),
      "tokens that may be kept": tokens({}, {}),
      "tokens that break off": answering({ text: '{"access_token":"secret', headers: { "content-type": "application/json", ...NO_STORE } }),
      "a refusal": answering({ status: 400, json: { error: "invalid_grant", error_description: "wrong password=hunter2" } }),
      "an error without words": answering({ status: 500, text: "boom" }),
      "a redirect": answering({ status: 302, headers: { location: "https://idp.test/login" } }),
      "refused as it should be": refused({ status: 400, json: { error: "invalid_grant" } }),
      "accepted, and should not be": refused({ json: TOKENS, headers: NO_STORE }),
      "refused for another reason": refused({ status: 401, json: { error: "invalid_client", error_description: "who?" } }),
      "refused without words": refused({ status: 400, text: "no" }),
      "broken instead of refused": refused({ status: 500, json: { error: "server_error" } }),
      "no id": () => idp.client({} as any),
      "an option that does not exist": () => idp.client({ id: "a", secert: "s" } as any),
      "a method that does not exist": () => idp.client({ id: "a", method: "tls" as any }),
      "a method without its secret": () => idp.client({ id: "a", method: "client_secret_post" }),
      "a method without its key": () => idp.client({ id: "a", method: "private_key_jwt" }),
      "a key that is none": () => idp.client({ id: "a", key: "secret" }).clientCredentials(),
      "a public key": () => idp.client({ id: "a", key: given.keys[0] as any }).clientCredentials(),
      "a key of another algorithm": () => idp.client({ id: "a", key: given.private.RS256.pem, algorithm: "ES256" }).clientCredentials(),
    });
  },
});

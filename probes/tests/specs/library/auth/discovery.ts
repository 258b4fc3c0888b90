// Discovery and keys: what a provider may say of itself, and what is refused.
import { defineCheck, expect } from "tocsin";
import { discover, provider } from "tocsin/auth";
import { type Answered, ISSUER, METADATA, questions, serve } from "./modules/provider.ts";
import { told } from "../modules/told.ts";

const found = (answer: Answered) => async () => {
  serve(() => answer);
  return (await discover(ISSUER)).issuer;
};
const changed = (change: object) => found({ json: { ...METADATA, ...change } });
const keys = (answer: Answered) => async () => {
  serve(() => answer);
  return (await provider(METADATA).keys()).length;
};
const user = (answer: Answered) => async () => {
  serve(() => answer);
  return provider(METADATA).userinfo("secret-access-token", { subject: "user-1" });
};

export default defineCheck({
  schedule: "every 30s",
  async run() {
    serve(() => ({ json: METADATA }));
    const idp = await discover(new URL(ISSUER));
    expect(questions()[0]!.url.href).toBe("https://idp.test/.well-known/openid-configuration");
    expect(idp.metadata).toEqual(METADATA);
    expect(Object.isFrozen(idp.metadata)).toBe(true);
    expect(provider({ issuer: ISSUER, of_its_own: 5 }).metadata).toEqual({ issuer: ISSUER, of_its_own: 5 });
    expect(idp.endpoint("token_endpoint")).toBe("https://idp.test/token");
    await told({
      "a good document": changed({}),
      "another issuer": changed({ issuer: "https://idp.test" }),
      "no token endpoint": changed({ token_endpoint: undefined }),
      "no list": changed({ response_types_supported: "code" }),
      "an empty list": changed({ subject_types_supported: [] }),
      "an endpoint without TLS": changed({ userinfo_endpoint: "http://idp.test/userinfo" }),
      "a relative endpoint": changed({ jwks_uri: "/jwks" }),
      "a list": found({ json: [] }),
      "a page": found({ html: "<html></html>" }),
      "half a document": found({ text: '{"issuer":', headers: { "content-type": "application/json" } }),
      "a server that is down": found({ status: 503, text: "down" }),
      "an issuer that is none": () => discover("idp"),
      "no metadata": () => provider(undefined as any),
      "an endpoint that is not named": () => provider({ issuer: ISSUER }).endpoint("userinfo_endpoint"),
      "a key": keys({ json: { keys: [{ kty: "RSA" }] } }),
      "no keys": keys({ json: { keys: [] } }),
      "no key set": keys({ json: {} }),
      "a private key": keys({ json: { keys: [{ kty: "RSA", kid: "a", d: "secret", p: "secret" }] } }),
      "a user": user({ json: { sub: "user-1" } }),
      "another user": user({ json: { sub: "user-2" } }),
      "nobody": user({ json: {} }),
      "a refused token": user({ status: 401, json: { error: "invalid_token" } }),
    });
  },
});

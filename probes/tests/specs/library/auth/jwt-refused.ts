// Every reason to refuse a token, each with the words of its failure.
import { defineCheck, expect } from "tocsin";
import { decodeJwt, expectClaims, expectSignature, TokenError, verifyJwt } from "tocsin/auth";
import { told } from "../modules/told.ts";
import given from "./modules/tokens.json" with { type: "json" };

const { issuer, audience, keys, tokens } = given;
const [rsa] = keys;
const now = new Date(1700000100_000);
const at = (seconds: number) => ({ now: new Date(seconds * 1000), what: "ID token" });
const verify = (token: unknown, options: object = {}) =>
  verifyJwt(token, { keys, issuer, audience, now, what: "ID token", ...options });
const withKey = (change: object) => ({ keys: [{ ...rsa, ...change }] });

export default defineCheck({
  schedule: "every 30s",
  async run() {
    await told({
      "not there": () => decodeJwt(undefined, "ID token"),
      "empty": () => decodeJwt("", "ID token"),
      "two parts": () => decodeJwt("a.b", "ID token"),
      "encrypted": () => decodeJwt("a.b.c.d.e", "ID token"),
      "a header that is no JSON": () => decodeJwt("YQ.YQ.YQ", "ID token"),
      "a payload that is a list": () => decodeJwt("e30.W10.YQ", "ID token"),
      "a signature with padding": () => decodeJwt("e30.e30.YQ==", "ID token"),
      "alg none": () => verify(tokens.none),
      "alg HS256 with the public key": () => verify(tokens.hs256),
      "an algorithm that is not on the list": () => verify(tokens.RS256, { algorithms: ["ES256", "EdDSA"] }),
      "a changed payload": () => verify(tokens.forged),
      "no kid, where two keys fit": () => verify(tokens.noKid, { keys: keys.slice(0, 2).map(({ alg: _, ...key }) => key) }),
      "a kid that is not listed": () => verify(tokens.unknownKid),
      "a key of another type": () => verify(tokens.otherAlgorithmsKey),
      "an extension": () => verify(tokens.critical),
      "a key for encryption": () => verify(tokens.RS256, withKey({ use: "enc" })),
      "a key for another algorithm": () => verify(tokens.RS256, withKey({ alg: "PS256" })),
      "a key that may not verify": () => verify(tokens.RS256, withKey({ key_ops: ["encrypt"] })),
      "a key without its modulus": () => verify(tokens.RS256, withKey({ n: "" })),
      "a short key": () => verify(tokens.RS256, withKey({ n: "AQAB" })),
      "a key that is none": () => verify(tokens.ES256, { keys: [{ ...keys[2], x: "AQAB" }] }),
      "no keys": () => verify(tokens.RS256, { keys: [] }),
      "a key without a type": () => verify(tokens.RS256, { keys: [{}] }),
      "a private key in the JWKS": () => verify(tokens.RS256, { keys: [given.private.RS256.jwk] }),
      "another issuer": () => verify(tokens.RS256, { issuer: "https://else.test/" }),
      "another audience": () => verify(tokens.otherAudience),
      "another party": () => verify(tokens.otherParty, { authorizedParty: "app" }),
      "no subject": () => verify(tokens.noSubject),
      "another subject": () => verify(tokens.RS256, { subject: "user-2" }),
      "another nonce": () => verify(tokens.RS256, { nonce: "mine" }),
      "no nonce": () => verify(tokens.noNonce, { nonce: "mine" }),
      "another access token": () => verify(tokens.RS256, { accessToken: "another" }),
      "another code": () => verify(tokens.RS256, { code: "another" }),
      "another type": () => verify(tokens.RS256, { type: "at+jwt" }),
      "a claim that is missing": () => verify(tokens.RS256, { required: ["email"] }),
      "a claim that is another": () => verify(tokens.RS256, { claims: { azp: "else" } }),
      "expired": () => expectClaims(tokens.RS256, at(1700003660)),
      "ends soon": () => expectClaims(tokens.RS256, { ...at(1700003550), validForS: 60 }),
      "not yet good": () => expectClaims(tokens.RS256, at(1699999939)),
      "too old": () => expectClaims(tokens.RS256, { ...at(1700000091), maxAgeS: 30 }),
      "no issue, where its age matters": () => expectClaims(tokens.noIssuedAt, { ...at(1700000091), maxAgeS: 30 }),
      "no issue, where one is required": () => verify(tokens.noIssuedAt, { required: ["iat"] }),
      "an issue that is a text": () => verify(tokens.textIssuedAt),
      "a signature of another length of hash": () => verify(tokens.RS384.replace(/^[^.]+/, tokens.RS512.split(".")[0]!)),
      "a key on another curve": () => verify(tokens.ES512, { keys: keys.map((key) => (key.kid === "es512-1" ? { ...keys[3], kid: "es512-1", alg: undefined } : key)) }),
      "no expiry": () => verify(tokens.noExpiry),
      "an expiry that is a text": () => verify(tokens.textExpiry),
      "a list with none": () => expectSignature(tokens.RS256, { keys, algorithms: ["none"] }),
      "a list that is a text": () => expectSignature(tokens.RS256, { keys, algorithms: "RS256" as any }),
      "an option that does not exist": () => expectClaims(tokens.RS256, { isuer: "x" } as any),
      "no audience": () => verify(tokens.RS256, { audience: undefined }),
      "no keys given": () => verify(tokens.RS256, { keys: undefined }),
    });
    const refused = await verify(tokens.RS256, { issuer: "https://else.test/" }).catch((error) => error);
    expect(refused).toBeInstanceOf(TokenError);
    expect(refused.reason).toEqual({ code: "issuer", claim: "iss", expected: '"https://else.test/"', got: '"https://idp.test/"' });
    // The failure points here, though it was thrown behind an `await` in the library.
    await verify(tokens.forged);
  },
});

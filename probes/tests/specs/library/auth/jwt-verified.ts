// Tokens that another implementation signed, with each algorithm, verify; and what was signed here verifies here.
import { defineCheck, expect } from "tocsin";
import { decodeJwt, expectClaims, expectSignature, signJwt, verifyJwt } from "tocsin/auth";
import given from "./modules/tokens.json" with { type: "json" };

const { issuer, audience, accessToken, code, nonce, keys, tokens } = given;
const now = new Date(1700000100_000);

export default defineCheck({
  schedule: "every 30s",
  async run() {
    const algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"] as const;
    for (const algorithm of algorithms) {
      const options = { keys, issuer, audience, nonce, accessToken, code, authorizedParty: audience, now };
      const claims = await verifyJwt(tokens[algorithm], { ...options, algorithms: [algorithm] });
      expect(claims.sub, algorithm).toBe("user-1");
      for (const key of Object.values(given.private[algorithm])) {
        const own = await signJwt({ ...claims, sub: "own" }, { key, algorithm, kid: `${algorithm.toLowerCase()}-1` });
        expect((await verifyJwt(own, options)).sub, algorithm).toBe("own");
      }
      // The JWK says its algorithm by its type, of which RSA has several; the JSON of one is a key too.
      const own = await signJwt({ sub: "x" }, { key: JSON.stringify(given.private[algorithm].jwk) });
      const isRsa = /^[RP]S/.test(algorithm);
      const alg = isRsa ? "RS256" : algorithm;
      expect(decodeJwt(own).header).toEqual({ alg, typ: "JWT", kid: `${algorithm.toLowerCase()}-1` });
      if (alg === algorithm) await expectSignature(own, { keys });
    }
    const { header, claims } = decodeJwt(tokens.RS256);
    expect(header).toEqual({ alg: "RS256", typ: "JWT", kid: "rs256-1" });
    expect(claims).toMatchObject({ iss: issuer, aud: "app" });
    // A key set with one key that fits needs no name.
    await expectSignature(tokens.noKid, { keys: { keys: keys.filter(({ kty }) => kty !== "RSA").concat(keys[0]!) } });
    expectClaims(tokens.listAudience, { issuer, audience: ["app", "another"], now, required: ["iat"] });
    expectClaims(tokens.accessTokenType, { type: "at+jwt", now });
    // When it was issued, a token need not say.
    expectClaims(tokens.noIssuedAt, { issuer, now });
    // The edges of time: within the tolerance of 60 s it is good, after it no more.
    for (const seconds of [1700003600, 1700003659]) expectClaims(tokens.RS256, { now: new Date(seconds * 1000) });
    for (const seconds of [1699999940]) expectClaims(tokens.RS256, { now: new Date(seconds * 1000) });
    expectClaims(tokens.RS256, { now: new Date(1700003540_000 - 1000), validForS: 60 });
    expectClaims(tokens.RS256, { now: new Date(1700000030_000), maxAgeS: 30, clockToleranceS: 0 });
  },
});

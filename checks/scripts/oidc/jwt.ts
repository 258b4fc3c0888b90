// JSON Web Tokens (RFC 7519): reading one, and verifying it against the provider's published keys (RFC 7515, 7517).

import { AssertionError, expect } from "tocsin";
import { json } from "../http/answer.ts";

export interface Jwt {
  readonly header: { readonly alg?: string; readonly kid?: string; readonly typ?: string };
  readonly claims: Readonly<Record<string, any>>;
  readonly signed: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** A key as the JWKS lists it: a JSON Web Key with its id. */
export type PublishedKey = JsonWebKey & { readonly kid?: string };

/** How far the provider's clock may be from this one. Beyond it, other people's verifiers refuse its tokens. */
const CLOCK_SKEW_S_MAX = 60;

const RS256 = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

/** The parts of a token. `what` names it in failures, which never quote it. */
export function decode(token: unknown, what: string): Jwt {
  expect(token, `the type of the ${what}`).toBeTypeOf("string");
  const parts = (token as string).split(".");
  expect(parts.length, `dot-separated parts of the ${what}`).toBe(3);
  const [header = "", claims = "", signature = ""] = parts;
  try {
    return {
      header: JSON.parse(new TextDecoder().decode(base64url(header))),
      claims: JSON.parse(new TextDecoder().decode(base64url(claims))),
      signed: new TextEncoder().encode(`${header}.${claims}`),
      signature: base64url(signature),
    };
  } catch {
    throw new AssertionError(`the ${what} is no JWT: its three parts are not base64url, or not JSON in them`);
  }
}

/** The keys that the provider publishes. */
export async function publishedKeys(url: string): Promise<PublishedKey[]> {
  const { keys } = await json(await fetch(url));
  if (!Array.isArray(keys) || keys.length === 0)
    throw new AssertionError(`${url} lists no keys: nobody can verify a token`);
  return keys;
}

/** The signature is by a key that the provider publishes now, with RS256 and nothing weaker. */
export async function expectSignature(token: Jwt, keys: readonly PublishedKey[], what: string): Promise<void> {
  const { alg, kid } = token.header;
  expect(alg, `the algorithm of the ${what}`).toBe("RS256");
  const key = keys.find((candidate) => candidate.kid === kid);
  if (key === undefined) {
    const listed = keys.map((candidate) => candidate.kid).join(", ");
    throw new AssertionError(
      `the ${what} is signed with key \`${kid}\`, and the JWKS lists ${listed}: nobody can verify it`,
    );
  }
  expect(key, `the JWKS entry of key ${kid}`).toMatchObject({
    kty: "RSA",
    n: expect.any(String),
    e: expect.any(String),
  });
  const publicKey = await crypto.subtle.importKey("jwk", { kty: "RSA", n: key.n!, e: key.e! }, RS256, false, [
    "verify",
  ]);
  if (!(await crypto.subtle.verify(RS256, publicKey, token.signature, token.signed))) {
    throw new AssertionError(
      `the signature of the ${what} is not by key \`${kid}\`, which it names: every API refuses it`,
    );
  }
}

/** Who issued it, for whom, and that it is good now and for a while. */
export function expectClaims(
  { claims }: Jwt,
  { issuer, audience }: { issuer: string; audience: string },
  what: string,
): void {
  expect(claims.iss, `issuer of the ${what}`).toBe(issuer);
  const audiences = Array.isArray(claims.aud) ? claims.aud : [claims.aud];
  expect(audiences, `audience of the ${what}`).toContain(audience);
  expect(claims.sub, `subject of the ${what}`).toMatch(/./);

  const now = Math.floor(Date.now() / 1000);
  expect(claims, `times of the ${what}`).toMatchObject({ exp: expect.any(Number), iat: expect.any(Number) });
  expect(claims.exp - now, `seconds until the ${what} expires`).toBeGreaterThan(CLOCK_SKEW_S_MAX);
  expect(claims.iat - now, `seconds that the ${what} was issued ahead of now`).toBeLessThanOrEqual(CLOCK_SKEW_S_MAX);
  expect(now - claims.iat, `seconds since the ${what} was issued`).toBeLessThanOrEqual(CLOCK_SKEW_S_MAX);
  if (claims.nbf !== undefined) {
    expect(claims.nbf - now, `seconds until the ${what} is valid`).toBeLessThanOrEqual(CLOCK_SKEW_S_MAX);
  }
}

export function base64url(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

export function toBase64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

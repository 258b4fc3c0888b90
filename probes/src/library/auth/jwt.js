// JSON Web Tokens (RFC 7519, RFC 8725): read, signed, and verified with a reason for every refusal.

import { AssertionError } from "../assertion_error.js";
import { inline } from "../format.js";
import { misuse } from "../host.js";
import { located } from "../http/located.js";
import { fromBase64url, hash, toBase64url, utf8 } from "./base64url.js";
import { ALGORITHMS, allowed, keysOf, signingKey, unfitFor, verificationKey } from "./keys.js";

/** How far another clock may be from this one. Beyond it, other people's verifiers refuse the token too. */
const CLOCK_TOLERANCE_S = 60;
const SHOWN_CHARACTERS_MAX = 200;
const TOKEN_CHARACTERS_MAX = 100_000;

/** Why a token is refused: `reason.code`, and where a claim is wrong, which, what was expected and what it was. */
export class TokenError extends AssertionError {
  constructor(message, reason) {
    super(message);
    this.reason = Object.freeze(reason);
  }
}

const shown = (value) => inline(value, SHOWN_CHARACTERS_MAX);

function wrongClaim(what, code, claim, expected, got) {
  const message = `the claim ${claim} of the ${what}: expected ${expected}, got ${got}`;
  return new TokenError(message, { code, claim, expected, got });
}

/** The parts of a token, which nobody has verified yet. `what` names it in failures. */
export function decodeJwt(token, what = "token") {
  const malformed = (message) => new TokenError(`the ${what} is no JWT: ${message}`, { code: "malformed" });
  if (typeof token !== "string" || token === "") throw malformed(`it is ${typeof token === "string" ? "empty" : typeof token}`);
  if (token.length > TOKEN_CHARACTERS_MAX) throw malformed(`it has ${token.length} characters`);
  const parts = token.split(".");
  if (parts.length === 5) throw malformed("it has five parts, as an encrypted one (JWE) has");
  if (parts.length !== 3) throw malformed(`it has ${parts.length} dot-separated parts, and not 3`);
  const object = (text, part) => {
    let value;
    try {
      value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(fromBase64url(text)));
    } catch {
      throw malformed(`its ${part} is not base64url of JSON`);
    }
    if (value === null || typeof value !== "object" || Array.isArray(value)) throw malformed(`its ${part} is no JSON object`);
    return value;
  };
  const [header, claims, signature] = parts;
  let bytes;
  try {
    bytes = fromBase64url(signature);
  } catch {
    throw malformed("its signature is not base64url");
  }
  return Object.freeze({
    header: object(header, "header"),
    claims: object(claims, "payload"),
    signed: utf8(`${header}.${claims}`),
    signature: bytes,
  });
}

function decoded(token, what) {
  return typeof token === "object" && token?.signed !== undefined ? token : decodeJwt(token, what);
}

/** The signature is by one of these keys (a JWKS), with an algorithm of the allow-list. Returns the token's parts. */
export const expectSignature = located(async function expectSignature(token, { keys, algorithms, what = "token" } = {}) {
  const names = allowed(algorithms);
  const jwt = decoded(token, what);
  const { alg, kid, crit } = jwt.header;
  if (crit !== undefined) {
    throw new TokenError(`the ${what} demands extensions (crit) that nobody here knows`, { code: "critical" });
  }
  if (!names.includes(alg)) {
    const message = `the algorithm of the ${what}: expected ${names.join(" or ")}, got ${shown(alg)}`;
    throw new TokenError(message, { code: "algorithm", expected: names.join(" or "), got: shown(alg) });
  }
  const key = keyFor(keysOf(keys, "the JWKS"), kid, alg, what);
  let isGood;
  try {
    isGood = await crypto.subtle.verify(ALGORITHMS[alg].use, await verificationKey(key, alg), jwt.signature, jwt.signed);
  } catch {
    // Some keys are found to be none only when they are used.
    throw new TokenError(`the JWKS entry ${shown(key.kid)}, which the ${what} names, is no ${alg} key`, { code: "key" });
  }
  if (!isGood) {
    const message = `the signature of the ${what} is not by the key ${shown(key.kid)}, which it names: every API refuses it`;
    throw new TokenError(message, { code: "signature" });
  }
  return jwt;
});

function keyFor(keys, kid, alg, what) {
  const listed = keys.map((key) => shown(key.kid)).join(", ");
  if (kid === undefined) {
    const fit = keys.filter((key) => unfitFor(key, alg) === undefined);
    if (fit.length === 1) return fit[0];
    const message = `the ${what} names no key (kid), and the JWKS lists ${fit.length} that could be meant for ${alg}: ${listed}`;
    throw new TokenError(message, { code: "kid" });
  }
  const named = keys.filter((key) => key.kid === kid);
  if (named.length === 0) {
    const message = `the ${what} is signed with the key ${shown(kid)}, and the JWKS lists ${listed}: nobody can verify it`;
    throw new TokenError(message, { code: "kid", expected: listed, got: shown(kid) });
  }
  const fit = named.find((key) => unfitFor(key, alg) === undefined);
  if (fit === undefined) {
    throw new TokenError(`the JWKS entry ${shown(kid)} cannot verify the ${what}: ${unfitFor(named[0], alg)}`, { code: "key" });
  }
  return fit;
}

const EXPECTED = [
  "issuer",
  "audience",
  "subject",
  "authorizedParty",
  "nonce",
  "type",
  "claims",
  "required",
  "maxAgeS",
  "validForS",
  "clockToleranceS",
  "now",
  "what",
];

/** Who issued it, for whom, and that it is good now. Returns the claims. */
export function expectClaims(token, expected = {}) {
  for (const name of Object.keys(expected)) {
    if (!EXPECTED.includes(name)) throw misuse(`expectClaims has no option ${inline(name)}: it has ${EXPECTED.join(", ")}`);
  }
  const { what = "token", issuer, audience, subject, authorizedParty, nonce, type } = expected;
  const { header, claims } = decoded(token, what);
  const must = (name, code, wanted) => {
    if (wanted === undefined || claims[name] === wanted) return;
    throw wrongClaim(what, code, name, shown(wanted), shown(claims[name]));
  };
  must("iss", "issuer", issuer === undefined ? undefined : String(issuer));
  if (audience !== undefined) {
    const audiences = Array.isArray(claims.aud) ? claims.aud : [claims.aud];
    if (![audience].flat().some((one) => audiences.includes(one))) {
      throw wrongClaim(what, "audience", "aud", shown(audience), shown(claims.aud));
    }
  }
  if (typeof claims.sub !== "string" || claims.sub === "") {
    throw wrongClaim(what, "subject", "sub", "a subject", shown(claims.sub));
  }
  must("sub", "subject", subject);
  if (claims.azp !== undefined) must("azp", "authorized-party", authorizedParty);
  // A nonce belongs to one login and is no secret for long, and still nobody needs to read it.
  if (nonce !== undefined && claims.nonce !== nonce) {
    const got = claims.nonce === undefined ? "none" : "another";
    throw wrongClaim(what, "nonce", "nonce", "the nonce that was sent", got);
  }
  if (type !== undefined && String(header.typ).toLowerCase().replace(/^application\//, "") !== type.toLowerCase()) {
    const message = `the type (typ) of the ${what}: expected ${shown(type)}, got ${shown(header.typ)}`;
    throw new TokenError(message, { code: "type", expected: shown(type), got: shown(header.typ) });
  }
  expectTimes(claims, expected, what);
  for (const name of expected.required ?? []) {
    if (claims[name] === undefined) throw wrongClaim(what, "required", name, "a value", "none");
  }
  for (const [name, wanted] of Object.entries(expected.claims ?? {})) must(name, "claim", wanted);
  return claims;
}

function expectTimes(claims, { clockToleranceS = CLOCK_TOLERANCE_S, maxAgeS, validForS = 0, now = new Date() }, what) {
  const nowS = Math.floor(Number(now) / 1000);
  if (!Number.isFinite(nowS)) throw misuse(`\`now\` is a Date; it was given ${inline(now)}`);
  for (const name of ["exp", "iat", "nbf"]) {
    // RFC 7519, section 4.1, demands none of them. A token that never ends is good for a thief for ever, though.
    const isMissing = claims[name] === undefined && name !== "exp";
    if (!isMissing && !Number.isFinite(claims[name])) {
      throw wrongClaim(what, "malformed-time", name, "a time in seconds", shown(claims[name]));
    }
  }
  const at = (seconds) => `${seconds} (${Math.abs(seconds - nowS)} s ${seconds < nowS ? "ago" : "ahead"})`;
  // Asked to be good for a while, it must be so by this clock; else the other clock gets its tolerance.
  const aliveUntil = validForS > 0 ? nowS + validForS : nowS - clockToleranceS;
  if (claims.exp <= aliveUntil) {
    const wanted = validForS > 0 ? `an expiry more than ${validForS} s ahead` : "an expiry that is ahead";
    throw wrongClaim(what, "expired", "exp", wanted, at(claims.exp));
  }
  if (claims.nbf !== undefined && claims.nbf > nowS + clockToleranceS) {
    throw wrongClaim(what, "not-yet-valid", "nbf", "a time that has come", at(claims.nbf));
  }
  if (claims.iat > nowS + clockToleranceS) {
    throw wrongClaim(what, "issued-ahead", "iat", "a time that has come", at(claims.iat));
  }
  if (maxAgeS !== undefined && !(claims.iat >= nowS - maxAgeS - clockToleranceS)) {
    const got = claims.iat === undefined ? "none, so that nobody knows how old it is" : at(claims.iat);
    throw wrongClaim(what, "too-old", "iat", `a time at most ${maxAgeS} s ago`, got);
  }
}

/** Verifies a token whole: signature, claims, and for an ID token what it says of an access token and a code. */
export const verifyJwt = located(async function verifyJwt(token, options = {}) {
  const { keys, algorithms, accessToken, code, ...expected } = options;
  if (keys === undefined) throw misuse("verifyJwt takes `keys`, a JWKS: verifyJwt(token, { keys: await provider.keys(), issuer, audience })");
  if (expected.issuer === undefined || expected.audience === undefined) {
    throw misuse("verifyJwt takes `issuer` and `audience`: a token that anybody issued for anybody proves nothing");
  }
  const { what = "token" } = expected;
  const jwt = await expectSignature(token, { keys, algorithms, what });
  const claims = expectClaims(jwt, expected);
  for (const [name, value] of [["at_hash", accessToken], ["c_hash", code]]) {
    if (value === undefined || claims[name] === undefined) continue;
    const bytes = await hash(ALGORITHMS[jwt.header.alg].half, value);
    if (claims[name] !== toBase64url(bytes.slice(0, bytes.length / 2))) {
      const of = name === "at_hash" ? "the access token" : "the code";
      throw wrongClaim(what, name, name, `the hash of ${of} that came with it`, "another");
    }
  }
  return claims;
});

/** Signs a token. The algorithm is the key's own where none is named. */
export const signJwt = located(async function signJwt(claims, { key, algorithm, kid, header = {} } = {}) {
  const signing = await signingKey(key, algorithm);
  const id = kid ?? signing.kid;
  const full = { alg: signing.name, typ: "JWT", ...(id === undefined ? {} : { kid: id }), ...header };
  const text = [full, claims].map((part) => toBase64url(utf8(JSON.stringify(part)))).join(".");
  const signature = await crypto.subtle.sign(ALGORITHMS[signing.name].use, signing.key, utf8(text));
  return `${text}.${toBase64url(new Uint8Array(signature))}`;
});

// Signature algorithms (RFC 7518, RFC 8037), and keys as JWKs (RFC 7517) or PEM.

import { AssertionError } from "../assertion_error.js";
import { inline } from "../format.js";
import { misuse } from "../host.js";

const rsa = (hash) => ({
  kty: "RSA",
  key: { name: "RSASSA-PKCS1-v1_5", hash },
  use: { name: "RSASSA-PKCS1-v1_5" },
  half: hash,
});
const pss = (hash, saltLength) => ({ kty: "RSA", key: { name: "RSA-PSS", hash }, use: { name: "RSA-PSS", saltLength }, half: hash });
const ecdsa = (crv, hash) => ({ kty: "EC", crv, key: { name: "ECDSA", namedCurve: crv }, use: { name: "ECDSA", hash }, half: hash });

/**
 * The algorithms that are known, by name; of those that a key fits, the first is its own. `half` is the hash whose left half
 * `at_hash` and `c_hash` are.
 */
export const ALGORITHMS = {
  __proto__: null,
  RS256: rsa("SHA-256"),
  RS384: rsa("SHA-384"),
  RS512: rsa("SHA-512"),
  PS256: pss("SHA-256", 32),
  PS384: pss("SHA-384", 48),
  PS512: pss("SHA-512", 64),
  ES256: ecdsa("P-256", "SHA-256"),
  ES384: ecdsa("P-384", "SHA-384"),
  ES512: ecdsa("P-521", "SHA-512"),
  EdDSA: { kty: "OKP", crv: "Ed25519", key: { name: "Ed25519" }, use: { name: "Ed25519" }, half: "SHA-512" },
};

export const NAMES = Object.keys(ALGORITHMS);

const MEMBERS = { RSA: ["n", "e"], EC: ["crv", "x", "y"], OKP: ["crv", "x"] };
const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
const RSA_BITS_MIN = 2048;

/** The allow-list of a verification. `none` and the symmetric algorithms have no place in one. */
export function allowed(algorithms = NAMES) {
  if (!Array.isArray(algorithms) || algorithms.length === 0) {
    throw misuse(`\`algorithms\` is a list such as ["RS256"]; it was given ${inline(algorithms)}`);
  }
  for (const name of algorithms) {
    if (ALGORITHMS[name] === undefined) throw misuse(`\`algorithms\` may have ${NAMES.join(", ")}; it was given ${inline(name)}`);
  }
  return algorithms;
}

/** Why a JWK cannot verify signatures of this algorithm; `undefined` where it can. */
export function unfitFor(jwk, name) {
  const { kty, crv } = ALGORITHMS[name];
  if (jwk.kty !== kty) return `it is of the type ${inline(jwk.kty)}, and ${name} needs ${inline(kty)}`;
  if (crv !== undefined && jwk.crv !== crv) return `it is on the curve ${inline(jwk.crv)}, and ${name} needs ${inline(crv)}`;
  if (jwk.use !== undefined && jwk.use !== "sig") return `its use is ${inline(jwk.use)}, and not "sig"`;
  if (jwk.alg !== undefined && jwk.alg !== name) return `it is for ${inline(jwk.alg)}, and not for ${name}`;
  if (Array.isArray(jwk.key_ops) && !jwk.key_ops.includes("verify")) return 'its key_ops lack "verify"';
  const missing = MEMBERS[kty].filter((member) => typeof jwk[member] !== "string" || jwk[member] === "");
  if (missing.length > 0) return `it lacks ${missing.join(" and ")}`;
  // base64url holds six bits a character.
  if (kty === "RSA" && jwk.n.length * 6 < RSA_BITS_MIN) return `its modulus has fewer than ${RSA_BITS_MIN} bits`;
  return undefined;
}

export async function verificationKey(jwk, name) {
  const { kty, key } = ALGORITHMS[name];
  const bare = { kty };
  for (const member of MEMBERS[kty]) bare[member] = jwk[member];
  return crypto.subtle.importKey("jwk", bare, key, false, ["verify"]);
}

/** A key to sign with: a private JWK, the JSON of one, or a PEM text (PKCS#8). */
export async function signingKey(key, algorithm) {
  const given = typeof key === "string" && key.trimStart().startsWith("{") ? readJwk(key) : key;
  if (typeof given === "string") {
    const der = pem(given);
    const name = algorithm ?? "RS256";
    allowed([name]);
    return { name, key: await imported("pkcs8", der, name) };
  }
  if (given === null || typeof given !== "object" || typeof given.kty !== "string" || given.d === undefined) {
    throw misuse("the key to sign with is a private JWK, the JSON of one, or a PEM text that begins with -----BEGIN PRIVATE KEY-----");
  }
  const fits = (candidate) => ALGORITHMS[candidate].kty === given.kty && [undefined, given.crv].includes(ALGORITHMS[candidate].crv);
  const name = algorithm ?? given.alg ?? NAMES.find(fits);
  allowed([name]);
  const { use: _use, key_ops: _ops, alg: _alg, ext: _ext, ...bare } = given;
  return { name, kid: given.kid, key: await imported("jwk", bare, name) };
}

async function imported(format, data, name) {
  try {
    return await crypto.subtle.importKey(format, data, ALGORITHMS[name].key, false, ["sign"]);
  } catch {
    // The engine's message may quote the key.
    throw misuse(`the key to sign with is no ${name} key`);
  }
}

function readJwk(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw misuse("the key to sign with begins like JSON, and is none");
  }
}

function pem(text) {
  const found = /-----BEGIN PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END PRIVATE KEY-----/.exec(text);
  if (found === null) {
    throw misuse("the key to sign with is no PEM text with -----BEGIN PRIVATE KEY-----: convert one with `openssl pkcs8 -topk8 -nodes`");
  }
  return Uint8Array.from(atob(found[1].replace(/\s+/g, "")), (character) => character.charCodeAt(0));
}

/** The keys of a JWKS document, which must be one, and public. */
export function keysOf(jwks, what) {
  const keys = Array.isArray(jwks) ? jwks : jwks?.keys;
  if (!Array.isArray(keys) || keys.length === 0) throw new AssertionError(`${what} lists no keys: nobody can verify a token`);
  for (const key of keys) {
    if (key === null || typeof key !== "object" || typeof key.kty !== "string") {
      throw new AssertionError(`${what} lists a key without a type (kty)`);
    }
    const secret = PRIVATE.filter((member) => member in key);
    if (secret.length > 0) {
      throw new AssertionError(`${what} publishes private members of the key ${inline(key.kid)}: ${secret.join(", ")}`);
    }
  }
  return keys;
}

// One-time passwords by counter (RFC 4226) and by time (RFC 6238).

import { inline } from "../format.js";
import { misuse } from "../host.js";
import { located } from "../http/located.js";

const HASHES = { "SHA-1": "SHA-1", "SHA-256": "SHA-256", "SHA-512": "SHA-512", SHA1: "SHA-1", SHA256: "SHA-256", SHA512: "SHA-512" };
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The bytes of a base32 text (RFC 4648, section 6), as authenticator apps show it: any case, spaces and padding. */
function base32(text) {
  const characters = text.toUpperCase().replace(/[\s=-]/g, "");
  const bytes = [];
  let bits = 0;
  let held = 0;
  for (const character of characters) {
    const value = BASE32.indexOf(character);
    // The secret is not quoted.
    if (value < 0) throw misuse("the secret of a one-time password is base32: letters, and digits from 2 to 7");
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >> bits) & 0xff);
    }
  }
  return new Uint8Array(bytes);
}

/** What an authenticator app is set up with: `otpauth://totp/NAME?secret=...&algorithm=SHA256&digits=8&period=30`. */
function setUp(secret) {
  if (secret instanceof Uint8Array) return { bytes: secret };
  if (typeof secret !== "string") throw misuse(`the secret of a one-time password is base32, an otpauth: URL or bytes; it was given ${typeof secret}`);
  if (!secret.startsWith("otpauth:")) return { bytes: base32(secret) };
  const { searchParams } = new URL(secret);
  const number = (name) => (searchParams.has(name) ? Number(searchParams.get(name)) : undefined);
  return {
    bytes: base32(searchParams.get("secret") ?? ""),
    algorithm: searchParams.get("algorithm") ?? undefined,
    digits: number("digits"),
    periodS: number("period"),
  };
}

async function code({ bytes }, counter, algorithm, digits) {
  const name = HASHES[algorithm];
  if (name === undefined) throw misuse(`a one-time password is made with SHA-1, SHA-256 or SHA-512; it was given ${inline(algorithm)}`);
  if (!Number.isInteger(digits) || digits < 6 || digits > 10) throw misuse(`a one-time password has 6 to 10 digits; it was given ${inline(digits)}`);
  if (!Number.isSafeInteger(counter) || counter < 0) throw misuse(`the counter of a one-time password is a whole number; it was given ${inline(counter)}`);
  if (bytes.length === 0) throw misuse("the secret of a one-time password is empty");
  const message = new DataView(new ArrayBuffer(8));
  message.setBigUint64(0, BigInt(counter));
  const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: name }, false, ["sign"]);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, message.buffer));
  // RFC 4226, section 5.3: four bytes from where the last four bits say, without the sign.
  const offset = mac[mac.length - 1] & 0xf;
  const value = new DataView(mac.buffer).getUint32(offset) & 0x7fffffff;
  return String(value % 10 ** digits).padStart(digits, "0");
}

export const hotp = located(async function hotp(secret, counter, options = {}) {
  const app = setUp(secret);
  return code(app, counter, options.algorithm ?? app.algorithm ?? "SHA-1", options.digits ?? app.digits ?? 6);
});

export const totp = located(async function totp(secret, options = {}) {
  const app = setUp(secret);
  const periodS = options.periodS ?? app.periodS ?? 30;
  if (!(periodS > 0)) throw misuse(`the period of a one-time password is a number of seconds; it was given ${inline(periodS)}`);
  const counter = Math.floor(Number(options.at ?? Date.now()) / 1000 / periodS);
  return code(app, counter, options.algorithm ?? app.algorithm ?? "SHA-1", options.digits ?? app.digits ?? 6);
});

// The vectors of RFC 4226, appendix D, and RFC 6238, appendix B.
import { defineCheck, expect } from "tocsin";
import { hotp, totp } from "tocsin/auth";
import { told } from "../modules/told.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const SHA1 = "12345678901234567890";
const SECRETS = {
  "SHA-1": SHA1,
  "SHA-256": "12345678901234567890123456789012",
  "SHA-512": "1234567890123456789012345678901234567890123456789012345678901234",
} as const;
const CODES = [
  [59, "94287082", "46119246", "90693936"],
  [1111111109, "07081804", "68084774", "25091201"],
  [1111111111, "14050471", "67062674", "99943326"],
  [1234567890, "89005924", "91819424", "93441116"],
  [2000000000, "69279037", "90698825", "38618901"],
  [20000000000, "65353130", "77737706", "47863826"],
] as const;

export default defineCheck({
  schedule: "every 30s",
  async run() {
    const counted = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
    for (const [counter, code] of counted.entries()) expect(await hotp(bytes(SHA1), counter)).toBe(code);
    for (const [seconds, ...codes] of CODES) {
      for (const [index, algorithm] of (["SHA-1", "SHA-256", "SHA-512"] as const).entries()) {
        const at = new Date(seconds * 1000);
        expect(await totp(bytes(SECRETS[algorithm]), { algorithm, digits: 8, at }), `${algorithm} at ${seconds}`).toBe(codes[index]);
      }
    }
    const at = new Date(59_000);
    // As an app shows it, and as its QR code has it.
    expect(await totp("GEZD GNBV gy3t-QOJQ GEZDGNBVGY3TQOJQ", { at })).toBe("287082");
    expect(await totp("otpauth://totp/A:b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&algorithm=SHA1&digits=8&period=30", { at })).toBe("94287082");
    expect(await totp(bytes(SHA1), { at, periodS: 60 })).toBe(await hotp(bytes(SHA1), 0));
    await told({
      "not base32": () => totp("0189-secret"),
      "empty": () => totp(""),
      "a number": () => totp(5 as any),
      "another hash": () => totp("GEZDGNBV", { algorithm: "MD5" as any }),
      "four digits": () => totp("GEZDGNBV", { digits: 4 }),
      "no period": () => totp("GEZDGNBV", { periodS: 0 }),
      "a counter below zero": () => hotp("GEZDGNBV", -1),
    });
  },
});

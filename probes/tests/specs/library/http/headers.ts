// What headers promise: safety, caching and integrity.
import { defineCheck, expect } from "tocsin";
import { caching, checkCookieFlags, checkSecurityHeaders, contentSecurityPolicy, expectIntegrity, integrity, parseCookie } from "tocsin/http";
import { told } from "../modules/told.ts";

const SAFE = {
  "strict-transport-security": "max-age=31536000; includeSubDomains",
  "content-security-policy": "default-src 'self'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
};
function response(headers: Record<string, string | undefined>, url = "https://a.test/page?code=secret"): Response {
  const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const response = new Response("", { headers: given });
  Object.defineProperty(response, "url", { value: url });
  return response;
}
const safe = (change: Record<string, string | undefined>, ...more: any[]) => checkSecurityHeaders(response({ ...SAFE, ...change }), ...more);
const file = new TextEncoder().encode("alert('Hello, world.');");

export default defineCheck({
  schedule: "every 30s",
  async run() {
    // What holds.
    expect(safe({})).toBe(true);
    expect(safe({ "x-frame-options": undefined })).toBe(true);
    expect(safe({ "strict-transport-security": "max-age=100" }, { hstsMaxAgeSMin: 100 })).toBe(true);
    expect(safe({ "referrer-policy": undefined }, { except: ["referrer-policy"] })).toBe(true);
    expect(safe({ "content-security-policy": "script-src 'unsafe-inline' 'nonce-abc'" })).toBe(true);
    expect(checkSecurityHeaders(response({ ...SAFE, "strict-transport-security": undefined }, "http://a.test/"))).toBe(true);
    expect(contentSecurityPolicy(response(SAFE))).toEqual({ "default-src": ["'self'"], "frame-ancestors": ["'none'"] });
    expect(contentSecurityPolicy(response({}))).toBeUndefined();
    // What does not: each is recorded, and the run goes on.
    for (const change of [
      { "strict-transport-security": undefined },
      { "strict-transport-security": "max-age=3600" },
      { "content-security-policy": undefined },
      { "content-security-policy": "img-src 'self'" },
      { "content-security-policy": "script-src 'self' 'unsafe-inline'" },
      { "content-security-policy": "default-src *" },
      { "content-security-policy": "default-src 'self'; frame-ancestors *" },
      { "x-content-type-options": "sniff" },
      { "content-security-policy": "default-src 'self'", "x-frame-options": "ALLOWALL" },
      { "referrer-policy": "unsafe-url" },
    ]) {
      expect(safe(change)).toBe(false);
    }
    expect(checkCookieFlags(parseCookie("a=1; Secure; HttpOnly; SameSite=Lax", "https://a.test/"))).toBe(true);
    expect(checkCookieFlags(parseCookie("a=1", "https://a.test/"), { httpOnly: false, secure: false, sameSite: [""] })).toBe(true);
    expect(checkCookieFlags(parseCookie("weak=1; SameSite=None; Secure", "https://a.test/"))).toBe(false);

    expect(caching(response({ "cache-control": 'Public, max-age=60, s-maxage="30", immutable, stale-while-revalidate=5', age: "7", etag: '"x"', vary: "cookie", "last-modified": "Wed, 09 Jun 2032 10:18:14 GMT" }))).toEqual({
      noStore: false, noCache: false, private: false, public: true, immutable: true, mustRevalidate: false,
      maxAgeS: 60, sharedMaxAgeS: 30, staleWhileRevalidateS: 5, ageS: 7, etag: '"x"', vary: "cookie", lastModified: "Wed, 09 Jun 2032 10:18:14 GMT",
    });
    expect(caching(response({ "cache-control": "no-store, no-cache, private, must-revalidate, max-age=x" }))).toMatchObject({
      noStore: true, noCache: true, private: true, mustRevalidate: true, maxAgeS: undefined,
    });

    // The example of W3C Subresource Integrity, section 3.2.
    const promised = "sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO";
    expect(await integrity(file)).toBe(promised);
    await expectIntegrity(file, promised);
    await expectIntegrity(file, `sha256-AAAA ${promised}?x`);
    await expectIntegrity(file, `sha384-AAAA ${promised}`);
    await told({
      "another file": () => expectIntegrity(new Uint8Array(1), promised, "the library"),
      "a stronger hash that differs": () => expectIntegrity(file, `${promised} sha512-AAAA`),
      "no hash": () => expectIntegrity(file, "md5-AAAA"),
      "a hash that does not exist": () => integrity(file, "md5" as any),
      "no response": () => caching("text" as any),
      "a header that is not looked at": () => checkSecurityHeaders(response({}), { except: ["server" as any] }),
      "no cookie": () => checkCookieFlags("a=1" as any),
    });
  },
});

// What headers promise: to keep a page's visitor safe, to be cached or not, and to be the file that was promised.

import { AssertionError } from "../assertion_error.js";
import { check } from "../expect.js";
import { inline, isResponse } from "../format.js";
import { misuse } from "../host.js";
import { located } from "./located.js";

/** Half a year, what browsers' preload lists took at first. */
const HSTS_MAX_AGE_S_MIN = 15_552_000;

const LEAKY_REFERRERS = ["unsafe-url", "no-referrer-when-downgrade", "origin-when-cross-origin"];

function header(response, name) {
  if (!isResponse(response)) throw misuse(`this takes a Response, or an agent's answer; it was given ${inline(response)}`);
  return response.headers.get(name) ?? undefined;
}

function place(response) {
  return response.url.replace(/[?#].*/s, "");
}

/** A `content-security-policy` as its directives: `{ "default-src": ["'self'"] }`; `undefined` where there is none. */
export function contentSecurityPolicy(response) {
  const text = header(response, "content-security-policy");
  if (text === undefined) return undefined;
  const directives = {};
  for (const directive of text.split(",")[0].split(";")) {
    const [name, ...values] = directive.trim().split(/\s+/);
    const key = name.toLowerCase();
    // The first of a name holds (CSP 3, section 2.2.1).
    if (key !== "" && !Object.hasOwn(directives, key)) directives[key] = values;
  }
  return directives;
}

const RULES = {
  "strict-transport-security": (response, { hstsMaxAgeSMin = HSTS_MAX_AGE_S_MIN }) => {
    const value = header(response, "strict-transport-security");
    const seconds = /(?:^|;)\s*max-age\s*=\s*"?(\d+)"?\s*(?:;|$)/i.exec(value ?? "")?.[1];
    return seconds !== undefined && Number(seconds) >= hstsMaxAgeSMin ? undefined : `a max-age of at least ${hstsMaxAgeSMin} seconds`;
  },
  "content-security-policy": (response) => {
    const policy = contentSecurityPolicy(response);
    if (policy === undefined) return "a policy";
    const scripts = policy["script-src"] ?? policy["default-src"];
    if (scripts === undefined) return "a policy that says where scripts may come from (script-src or default-src)";
    const isGuarded = scripts.some((source) => /^'(nonce-|sha\d{3}-|strict-dynamic')/.test(source));
    if (scripts.includes("'unsafe-inline'") && !isGuarded) return "a policy without 'unsafe-inline' for scripts";
    return scripts.includes("*") ? "a policy that does not allow scripts from everywhere" : undefined;
  },
  "x-content-type-options": (response) =>
    header(response, "x-content-type-options")?.trim().toLowerCase() === "nosniff" ? undefined : "nosniff",
  "x-frame-options": (response) => {
    const ancestors = contentSecurityPolicy(response)?.["frame-ancestors"];
    // Where both are there, browsers go by frame-ancestors (CSP 3, section 6.4.2).
    if (ancestors !== undefined) return ancestors.includes("*") ? "frame-ancestors other than everybody" : undefined;
    const value = header(response, "x-frame-options")?.trim().toLowerCase();
    return value === "deny" || value === "sameorigin" ? undefined : "DENY or SAMEORIGIN, or frame-ancestors in the policy";
  },
  "referrer-policy": (response) => {
    // The last value that a browser knows holds.
    const value = header(response, "referrer-policy")?.split(",").pop().trim().toLowerCase();
    return value !== undefined && value !== "" && !LEAKY_REFERRERS.includes(value) ? undefined : "a policy that keeps URLs from other sites";
  },
};

/**
 * Records each header that keeps a browser's user safe (OWASP Secure Headers) and is missing or weak; the run goes on.
 * Returns whether all held.
 */
export function checkSecurityHeaders(response, options = {}) {
  for (const name of options.except ?? []) {
    if (RULES[name] === undefined) {
      throw misuse(`checkSecurityHeaders looks at ${Object.keys(RULES).join(", ")}; \`except\` has ${inline(name)}`);
    }
  }
  let held = true;
  for (const [name, rule] of Object.entries(RULES)) {
    if (options.except?.includes(name)) continue;
    // Browsers ignore it without TLS (RFC 6797, section 8.1).
    if (name === "strict-transport-security" && response.url.startsWith("http:")) continue;
    const wanted = rule(response, options);
    if (wanted === undefined) continue;
    held = false;
    const got = header(response, name);
    check(got ?? "no such header", `${name} of ${place(response)}`).toBe(wanted);
  }
  return held;
}

/** Records each flag that a cookie of a session lacks. Returns whether it has them. */
export function checkCookieFlags(cookie, { httpOnly = true, secure = true, sameSite = ["lax", "strict"] } = {}) {
  if (typeof cookie?.name !== "string" || typeof cookie.httpOnly !== "boolean") {
    throw misuse(`checkCookieFlags takes a cookie of a jar or an answer; it was given ${inline(cookie)}`);
  }
  const wanted = [sameSite].flat();
  const lacking = [];
  if (httpOnly && !cookie.httpOnly) lacking.push("HttpOnly");
  if (secure && !cookie.secure) lacking.push("Secure");
  if (!wanted.includes(cookie.sameSite)) lacking.push(`SameSite=${wanted.join(" or ")}`);
  return check(lacking, `the flags that the cookie ${cookie.name} lacks`).toEqual([]);
}

/** What an answer says of being cached (RFC 9111), seconds as numbers. */
export function caching(response) {
  const directives = new Map();
  for (const directive of (header(response, "cache-control") ?? "").split(",")) {
    const [name, value = ""] = directive.split("=");
    directives.set(name.trim().toLowerCase(), value.trim().replace(/^"|"$/g, ""));
  }
  const seconds = (name) => {
    const value = directives.get(name);
    return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
  };
  const age = header(response, "age");
  return {
    noStore: directives.has("no-store"),
    noCache: directives.has("no-cache"),
    private: directives.has("private"),
    public: directives.has("public"),
    immutable: directives.has("immutable"),
    mustRevalidate: directives.has("must-revalidate"),
    maxAgeS: seconds("max-age"),
    sharedMaxAgeS: seconds("s-maxage"),
    staleWhileRevalidateS: seconds("stale-while-revalidate"),
    ageS: age !== undefined && /^\d+$/.test(age) ? Number(age) : undefined,
    etag: header(response, "etag"),
    lastModified: header(response, "last-modified"),
    vary: header(response, "vary"),
  };
}

const HASHES = { sha256: "SHA-256", sha384: "SHA-384", sha512: "SHA-512" };

/** The Subresource Integrity value of a file's bytes (W3C SRI). */
export const integrity = located(async function integrity(bytes, algorithm = "sha384") {
  const hash = HASHES[algorithm];
  if (hash === undefined) throw misuse(`integrity knows ${Object.keys(HASHES).join(", ")}; it was given ${inline(algorithm)}`);
  const digest = new Uint8Array(await crypto.subtle.digest(hash, bytes));
  return `${algorithm}-${btoa(String.fromCharCode(...digest))}`;
});

/** Fails unless a browser would run this file under this `integrity` attribute: one of its strongest hashes is the file's. */
export const expectIntegrity = located(async function expectIntegrity(bytes, promised, what = "the file") {
  const hashes = String(promised)
    .trim()
    .split(/\s+/)
    .map((hash) => /^(sha256|sha384|sha512)-([A-Za-z0-9+/]+={0,2})(\?.*)?$/.exec(hash))
    .filter((hash) => hash !== null);
  if (hashes.length === 0) {
    throw new AssertionError(`${what} is promised by ${inline(promised)}, which is no integrity value: browsers run whatever comes`);
  }
  const strongest = hashes.map(([, algorithm]) => algorithm).sort().pop();
  const wanted = hashes.filter(([, algorithm]) => algorithm === strongest).map(([, algorithm, hash]) => `${algorithm}-${hash}`);
  const got = await integrity(bytes, strongest);
  if (!wanted.includes(got)) {
    throw new AssertionError(`${what} has the integrity ${got}, and ${wanted.join(" or ")} was promised: browsers refuse it`);
  }
});

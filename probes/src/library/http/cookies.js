// Cookies as browsers keep them (RFC 6265, and RFC 6265bis for prefixes and SameSite).
//
// There is no public suffix list here: a `Domain` of one label (`com`) is refused, and one such as `co.uk` is not. What
// SameSite says is read, and not acted on: an agent's requests are those of a person who uses one site.

import { misuse } from "../host.js";
import { inline } from "../format.js";

const COOKIE_BYTES_MAX = 4096;
const COOKIES_MAX = 500;
const REFUSED_MAX = 100;

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** One `set-cookie` line, and why a browser would not keep it (`refused`) if so. */
export function parseCookie(line, from, now = Date.now()) {
  if (typeof line !== "string") throw misuse(`parseCookie takes a set-cookie line; it was given ${inline(line)}`);
  const url = new URL(from);
  const [pair, ...rest] = line.split(";");
  const attributes = new Map();
  for (const attribute of rest) {
    const [name, value] = halves(attribute);
    attributes.set(name.toLowerCase(), value);
  }
  const [name, value] = pair.includes("=") ? halves(pair) : ["", pair.trim()];
  const path = attributes.get("path") ?? "";
  const domain = (attributes.get("domain") ?? "").toLowerCase().replace(/^\./, "");
  const cookie = {
    name,
    value,
    domain: domain === "" ? url.hostname : domain,
    hostOnly: domain === "",
    path: path.startsWith("/") ? path : defaultPath(url.pathname),
    secure: attributes.has("secure"),
    httpOnly: attributes.has("httponly"),
    sameSite: (attributes.get("samesite") ?? "").toLowerCase(),
    expires: expiryOf(attributes, now),
  };
  const refused = refusal(cookie, line, url);
  return Object.freeze(refused === undefined ? cookie : { ...cookie, refused });
}

function halves(text) {
  const equals = text.indexOf("=");
  return equals < 0 ? [text.trim(), ""] : [text.slice(0, equals).trim(), text.slice(equals + 1).trim()];
}

/** RFC 6265, section 5.1.4. */
function defaultPath(pathname) {
  const slash = pathname.lastIndexOf("/");
  return slash <= 0 ? "/" : pathname.slice(0, slash);
}

/** `undefined` for a cookie of the session. `Max-Age` goes before `Expires`. */
function expiryOf(attributes, now) {
  const maxAge = attributes.get("max-age");
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) {
    const seconds = Number(maxAge);
    // A date has room for 8.64e15 milliseconds.
    return new Date(seconds <= 0 ? 0 : Math.min(now + seconds * 1000, 8.64e15));
  }
  const expires = attributes.get("expires");
  return expires === undefined ? undefined : cookieDate(expires);
}

/** The forgiving dates of RFC 6265, section 5.1.1; `undefined` where it is none. */
function cookieDate(text) {
  let time, day, month, year;
  for (const token of text.split(/[\t -/;-@[-`{-~]+/)) {
    const clock = /^(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\D|$)/.exec(token);
    if (time === undefined && clock) time = clock.slice(1).map(Number);
    else if (day === undefined && /^\d{1,2}(\D|$)/.test(token)) day = Number.parseInt(token, 10);
    else if (month === undefined && MONTHS.includes(token.slice(0, 3).toLowerCase())) {
      month = MONTHS.indexOf(token.slice(0, 3).toLowerCase());
    } else if (year === undefined && /^\d{2,4}(\D|$)/.test(token)) year = Number.parseInt(token, 10);
  }
  if (time === undefined || day === undefined || month === undefined || year === undefined) return undefined;
  if (year < 100) year += year < 70 ? 2000 : 1900;
  const [hour, minute, second] = time;
  if (day < 1 || day > 31 || year < 1601 || hour > 23 || minute > 59 || second > 59) return undefined;
  return new Date(Date.UTC(year, month, day, hour, minute, second));
}

function refusal(cookie, line, url) {
  if (cookie.name === "" && cookie.value === "") return "it has neither a name nor a value";
  if (cookie.name.length + cookie.value.length > COOKIE_BYTES_MAX) return `it is longer than ${COOKIE_BYTES_MAX} bytes`;
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(line)) return "it has control characters";
  if (!cookie.hostOnly) {
    if (!domainMatches(url.hostname, cookie.domain)) {
      return `its Domain ${cookie.domain} does not cover ${url.hostname}, which sets it`;
    }
    if (!cookie.domain.includes(".") && cookie.domain !== url.hostname) return `its Domain ${cookie.domain} is a public suffix`;
  }
  if (cookie.secure && !isTrustworthy(url)) return "it is Secure, and set without TLS";
  if (cookie.sameSite === "none" && !cookie.secure) return "it is SameSite=None without Secure";
  const name = cookie.name.toLowerCase();
  if (name.startsWith("__secure-") && !cookie.secure) return "its name begins with __Secure-, and it is not Secure";
  if (name.startsWith("__host-") && !(cookie.secure && cookie.hostOnly && cookie.path === "/")) {
    return "its name begins with __Host-, which needs Secure, Path=/ and no Domain";
  }
  return undefined;
}

/** RFC 6265, section 5.1.3. */
function domainMatches(host, domain) {
  const isAddress = /^[\d.]+$/.test(host) || host.startsWith("[");
  return host === domain || (!isAddress && host.endsWith(`.${domain}`));
}

/** RFC 6265, section 5.1.4. */
function pathMatches(path, of) {
  return path === of || (path.startsWith(of) && (of.endsWith("/") || path[of.length] === "/"));
}

/** Where a browser keeps and sends Secure cookies: with TLS, and on the machine itself. */
function isTrustworthy({ protocol, hostname }) {
  return protocol === "https:" || hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** The cookies of one visitor. */
export class CookieJar {
  #cookies = new Map();
  #refused = [];

  /** Takes what a response sets, forgets what it expires, and returns the cookies that were kept. */
  take(response) {
    const taken = [];
    for (const line of response.headers.getSetCookie()) {
      const cookie = this.set(line, response.url);
      if (cookie !== undefined) taken.push(cookie);
    }
    return taken;
  }

  /** Takes one `set-cookie` line of the page at `url`; returns the cookie, where it was kept. */
  set(line, url) {
    const cookie = parseCookie(line, url);
    const key = `${cookie.domain} ${cookie.path} ${cookie.name}`;
    if (cookie.refused !== undefined) {
      if (this.#refused.length < REFUSED_MAX) this.#refused.push(cookie);
      return undefined;
    }
    if (cookie.expires !== undefined && cookie.expires.getTime() <= Date.now()) {
      this.#cookies.delete(key);
      return undefined;
    }
    if (this.#cookies.size >= COOKIES_MAX && !this.#cookies.has(key)) {
      this.#cookies.delete(this.#cookies.keys().next().value);
    }
    this.#cookies.set(key, cookie);
    return cookie;
  }

  /** The `cookie` header for a request to this URL; `undefined` where no cookie goes with it. */
  header(url) {
    const pairs = this.for(url).map(({ name, value }) => (name === "" ? value : `${name}=${value}`));
    return pairs.length > 0 ? pairs.join("; ") : undefined;
  }

  /** The cookies that go with a request to this URL, in the order in which they are sent: longer paths first. */
  for(url) {
    const { hostname, pathname, protocol } = new URL(url);
    const now = Date.now();
    return [...this.#cookies.values()]
      .filter(({ expires }) => expires === undefined || expires.getTime() > now)
      .filter(({ hostOnly, domain }) => (hostOnly ? hostname === domain : domainMatches(hostname, domain)))
      .filter(({ path }) => pathMatches(pathname, path))
      .filter(({ secure }) => !secure || isTrustworthy({ protocol, hostname }))
      .sort((a, b) => b.path.length - a.path.length);
  }

  /** All cookies that are kept. */
  get all() {
    return [...this.#cookies.values()];
  }

  /** The cookies that a browser would not have kept, each with why in `refused`. */
  get refused() {
    return [...this.#refused];
  }

  clear() {
    this.#cookies.clear();
  }
}

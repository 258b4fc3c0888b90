// What an agent gets: the response with its body read, the exchanges on the way to it, and how long each phase took.
//
// It has `status`, `url` and `headers` as a Response has them, so that `expect(answer).toHaveStatus(200)`,
// `toHaveHeader` and `connection(answer)` take it.

import { AssertionError } from "../assertion_error.js";
import { connection } from "../connection.js";
import { expect } from "../expect.js";
import { inline } from "../format.js";
import { misuse } from "../host.js";
import { page } from "./page.js";
import { withoutTokens } from "./tokens.js";

/** Without query and fragment, where codes and tokens travel. */
export function placeOf(url) {
  return String(url).replace(/[?#].*/s, "");
}

/** How long an exchange took, in milliseconds. A phase that was not needed, as on a connection used again, is absent. */
function timingsOf(response, startedMs) {
  const totalMs = performance.now() - startedMs;
  let phases = {};
  try {
    ({ phases } = connection(response));
  } catch {
    // A `data:` URL, or a request past the number that a run keeps.
  }
  const { dnsMs, connectMs, tlsMs, firstByteMs, downloadMs } = phases;
  return Object.freeze({ dnsMs, connectMs, tlsMs, firstByteMs, bodyMs: downloadMs, totalMs });
}

export function exchangeOf(method, response, location, startedMs) {
  return Object.freeze({
    method,
    url: response.url,
    status: response.status,
    location: location?.href,
    timings: timingsOf(response, startedMs),
  });
}

/** `GET https://a.test/x 302, GET https://a.test/y 200`: for messages and logs. */
export function chainOf(exchanges) {
  return exchanges.map(({ method, url, status }) => `${method} ${placeOf(url)} ${status}`).join(", ");
}

export class Answer {
  #text;
  #page;

  constructor(response, bytes, { exchanges, cookies, next }) {
    this.status = response.status;
    this.statusText = response.statusText;
    this.ok = response.ok;
    this.headers = response.headers;
    this.url = response.url;
    this.bytes = bytes;
    this.exchanges = Object.freeze(exchanges);
    this.cookies = Object.freeze(cookies);
    this.next = next;
    Object.freeze(this);
  }

  /** The body as text, by the charset of its `content-type`, or UTF-8. */
  get text() {
    if (this.#text === undefined) {
      const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(this.headers.get("content-type") ?? "")?.[1] ?? "utf-8";
      let decoder;
      try {
        decoder = new TextDecoder(charset);
      } catch {
        throw new AssertionError(`the answer of ${placeOf(this.url)} is in the charset ${inline(charset)}, which does not exist`);
      }
      this.#text = decoder.decode(this.bytes);
    }
    return this.#text;
  }

  /** How long the last exchange took. */
  get timings() {
    return this.exchanges[this.exchanges.length - 1].timings;
  }

  /** The exchanges in a line, without queries. */
  get chain() {
    return chainOf(this.exchanges);
  }

  /** Fails, with the class `http` and the beginning of the body, unless the status is this, or one of these. */
  expectStatus(status) {
    expect(this).toHaveStatus(status, withoutTokens(this.text));
    return this;
  }

  /** The body as JSON, or what it has at a path such as `"keys.0.kid"`. */
  json(path) {
    const type = this.headers.get("content-type") ?? "no content-type";
    const what = `the body of ${placeOf(this.url)}`;
    if (!/^(application|text)\/([\w.-]+\+)?json\b/i.test(type)) {
      throw new AssertionError(`${what} is no JSON: its content-type is ${inline(type)}`);
    }
    const value = parseJson(this.text, what);
    if (path === undefined) return value;
    const keys = Array.isArray(path) ? path : typeof path === "string" && path !== "" ? path.split(".") : undefined;
    if (keys === undefined) throw misuse(`json takes a path such as "keys.0.kid" or ["a.b", "c"]; it was given ${inline(path)}`);
    let found = value;
    for (const [depth, key] of keys.entries()) {
      if (found === null || typeof found !== "object" || !Object.hasOwn(found, key)) {
        const missing = keys.slice(0, depth + 1).join(".");
        throw new AssertionError(`${what} has nothing at ${missing}`);
      }
      found = found[key];
    }
    return found;
  }

  /** The body as a page of HTML, whole: one that broke off lacks its end. */
  page() {
    if (this.#page === undefined) {
      const type = this.headers.get("content-type") ?? "no content-type";
      if (!/^(text\/html|application\/xhtml\+xml)\b/i.test(type)) {
        throw new AssertionError(`${placeOf(this.url)} is no page of HTML: its content-type is ${inline(type)}`);
      }
      if (!/<\/html\s*>\s*(<!--.*?-->\s*)*$/is.test(this.text)) {
        throw new AssertionError(`the page ${placeOf(this.url)} is cut off: it has no </html> at its end`);
      }
      this.#page = page(this.text, this.url);
    }
    return this.#page;
  }
}

/** The value of a JSON text. What the target sent is wrong where it is none, and not the script. */
export function parseJson(text, what) {
  try {
    return JSON.parse(text);
  } catch {
    // The text is not quoted, nor the parser's message, which may: it can be a token that breaks off.
    throw new AssertionError(`${what} is no JSON: ${text.length} characters that do not parse`);
  }
}

// `agent({...})`: one visitor, with cookies, a place to start from, and a record of every exchange.

import { AssertionError, classOf } from "../assertion_error.js";
import { check } from "../expect.js";
import { inline } from "../format.js";
import { isObject, misuse } from "../host.js";
import { Answer, chainOf, exchangeOf, placeOf } from "./answer.js";
import { CookieJar } from "./cookies.js";
import { locate } from "./located.js";

const REDIRECTS_MAX = 20;
const EXCHANGES_MAX = 1000;

const OPTIONS = ["baseUrl", "headers", "cookies", "origins", "redirectsMax", "firstByteMsMax"];
const REQUEST_OPTIONS = ["headers", "body", "json", "form", "signal", "redirects", "until"];

function known(options, names, what) {
  if (!isObject(options)) throw misuse(`${what} takes its options as an object; it was given ${inline(options)}`);
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw misuse(`${what} has no option ${inline(name)}: it has ${names.join(", ")}`);
  }
  return options;
}

function urlOf(value, base, what) {
  try {
    return new URL(value, base);
  } catch {
    throw misuse(`${what} takes a URL${base === undefined ? ": give the agent a baseUrl for relative ones" : ""}; it was given ${inline(String(value))}`);
  }
}

export function agent(options = {}) {
  return new Agent(known(options, OPTIONS, "agent"));
}

class Agent {
  #base;
  #headers;
  #origins;
  #redirectsMax;
  #firstByteMsMax;
  #exchanges = [];

  constructor({ baseUrl, headers = {}, cookies = new CookieJar(), origins, redirectsMax = 10, firstByteMsMax }) {
    this.#base = baseUrl === undefined ? undefined : urlOf(baseUrl, undefined, "the baseUrl of an agent");
    this.#headers = new Headers(headers);
    const own = this.#base === undefined ? undefined : [this.#base.origin];
    this.#origins = origins?.map((origin) => urlOf(origin, undefined, "`origins` of an agent").origin) ?? own;
    if (!Number.isInteger(redirectsMax) || redirectsMax < 0 || redirectsMax > REDIRECTS_MAX) {
      throw misuse(`the redirectsMax of an agent is a whole number up to ${REDIRECTS_MAX}; it was given ${inline(redirectsMax)}`);
    }
    this.#redirectsMax = redirectsMax;
    this.#firstByteMsMax = firstByteMsMax;
    this.cookies = cookies;
    Object.freeze(this);
  }

  /** Every exchange so far, oldest first. */
  get exchanges() {
    return [...this.#exchanges];
  }

  /** A URL of the site, from a path. */
  url(path) {
    return urlOf(path, this.#base, "url").href;
  }

  async get(url, options) {
    return this.#visit("GET", url, options);
  }

  async head(url, options) {
    return this.#visit("HEAD", url, options);
  }

  async post(url, options) {
    return this.#visit("POST", url, options);
  }

  async put(url, options) {
    return this.#visit("PUT", url, options);
  }

  async patch(url, options) {
    return this.#visit("PATCH", url, options);
  }

  async delete(url, options) {
    return this.#visit("DELETE", url, options);
  }

  async request(method, url, options) {
    if (typeof method !== "string") throw misuse(`request takes a method and a URL: request("OPTIONS", "/"); it was given ${inline(method)}`);
    return this.#visit(method.toUpperCase(), url, options);
  }

  /** Sends a page's form with some of its fields filled in, as a browser does when its button is pressed. */
  async submit(form, fields = {}, { button, ...options } = {}) {
    if (typeof form?.filled !== "function") throw misuse(`submit takes a form of a page: answer.page().formWith("password"); it was given ${inline(form)}`);
    if (form.action === undefined) throw new AssertionError("the form has an action that is no URL");
    const entries = form.filled(fields, { button });
    if (form.method === "get") {
      const url = new URL(form.action);
      url.search = new URLSearchParams(entries).toString();
      return this.#visit("GET", url, options);
    }
    if (form.method !== "post" || form.enctype === "text/plain") {
      throw new AssertionError(`the form is sent by ${form.method} as ${form.enctype}, which no server takes`);
    }
    if (form.enctype !== "multipart/form-data") return this.#visit("POST", form.action, { ...options, form: entries });
    const body = new FormData();
    for (const [name, value] of entries) body.append(name, value);
    return this.#visit("POST", form.action, { ...options, body });
  }

  async #visit(method, url, options = {}) {
    const { headers, body, json, form, signal, redirects = true, until } = known(options, REQUEST_OPTIONS, "a request");
    if ([body, json, form].filter((given) => given !== undefined).length > 1) {
      throw misuse("a request has one of `body`, `json` and `form`");
    }
    let target = urlOf(url, this.#base, "a request");
    const sent = this.#complete(headers, json);
    let content = json !== undefined ? JSON.stringify(json) : form !== undefined ? new URLSearchParams(form) : body;
    const exchanges = [];
    const cookies = [];
    for (;;) {
      this.#mayVisit(target, exchanges);
      const startedMs = performance.now();
      const response = await this.#send(method, target, sent, content, signal, exchanges);
      cookies.push(...this.cookies.take(response));
      const next = nextOf(response, target);
      const stops = next === undefined || !redirects || until?.(next) === true;
      const bytes = new Uint8Array(await response.arrayBuffer());
      const exchange = exchangeOf(method, response, next, startedMs);
      exchanges.push(exchange);
      if (this.#exchanges.length < EXCHANGES_MAX) this.#exchanges.push(exchange);
      this.#checkFirstByte(exchange);
      if (stops) return new Answer(response, bytes, { exchanges, cookies, next });
      if (exchanges.length > this.#redirectsMax) {
        throw new AssertionError(`more than ${this.#redirectsMax} redirects: ${chainOf(exchanges)}`, "http");
      }
      // RFC 9110, section 15.4, and the fetch standard, HTTP-redirect fetch.
      if ((response.status === 303 && method !== "HEAD") || (response.status < 303 && method === "POST")) {
        method = "GET";
        content = undefined;
        for (const name of ["content-type", "content-encoding", "content-language", "content-location"]) sent.delete(name);
      }
      if (next.origin !== target.origin) {
        if (content !== undefined) {
          throw new AssertionError(`a ${response.status} redirect would send the body on to ${next.origin}: ${chainOf(exchanges)}`, "http");
        }
        for (const name of ["authorization", "cookie", "proxy-authorization"]) sent.delete(name);
      }
      target = next;
    }
  }

  #complete(headers, json) {
    const sent = new Headers(this.#headers);
    if (json !== undefined) sent.set("content-type", "application/json");
    for (const [name, value] of new Headers(headers)) sent.set(name, value);
    return sent;
  }

  #mayVisit(target, exchanges) {
    if (target.protocol !== "http:" && target.protocol !== "https:") {
      throw new AssertionError(`the way leads to a ${target.protocol} URL, where an agent does not go`, "http");
    }
    if (this.#origins === undefined || this.#origins.includes(target.origin)) return;
    const way = exchanges.length === 0 ? "" : `: ${chainOf(exchanges)}`;
    throw new AssertionError(`expected to stay on ${this.#origins.join(" or ")}, and the way leads to ${target.origin}${way}`);
  }

  async #send(method, target, headers, body, signal, exchanges) {
    const sent = new Headers(headers);
    const cookie = this.cookies.header(target);
    if (cookie !== undefined && !sent.has("cookie")) sent.set("cookie", cookie);
    try {
      return await fetch(target, { method, headers: sent, body: body ?? null, redirect: "manual", signal: signal ?? null });
    } catch (error) {
      // Far from the first request, the message alone would not say how the visitor came there.
      if (exchanges.length > 0 && error instanceof TypeError && classOf(error) !== undefined) {
        error.message = `${error.message}, after ${chainOf(exchanges)}`;
      }
      throw error;
    }
  }

  #checkFirstByte({ url, timings: { firstByteMs } }) {
    if (this.#firstByteMsMax === undefined || firstByteMs === undefined) return;
    check(Math.round(firstByteMs), `milliseconds to the first byte of ${placeOf(url)}`).toBeLessThan(this.#firstByteMsMax);
  }
}

locate(Agent.prototype, "get", "head", "post", "put", "patch", "delete", "request", "submit");

function nextOf(response, target) {
  if (![301, 302, 303, 307, 308].includes(response.status)) return undefined;
  const location = response.headers.get("location");
  if (location === null) return undefined;
  let next;
  try {
    next = new URL(location, target);
  } catch {
    throw new AssertionError(`the ${response.status} redirect of ${placeOf(target)} leads to ${inline(placeOf(location))}, which is no URL`, "http");
  }
  if (next.hash === "") next.hash = target.hash;
  return next;
}

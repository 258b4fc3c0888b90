/**
 * As much of a browser as a check needs: cookies, redirects, forms, pages, and how long each exchange took.
 */
declare module "tocsin/http" {
  /**
   * Makes a visitor.
   *
   * ```ts
   * const site = agent({ baseUrl: vars.SITE_URL });
   * const login = (await site.get("/login")).expectStatus(200).page();
   * const home = await site.submit(login.formWith("password"), { username, password });
   * ```
   */
  export function agent(options?: AgentOptions): Agent;

  export interface AgentOptions {
    /** Where relative URLs start from. Without `origins`, the agent stays on this site. */
    baseUrl?: string | URL;
    /** Headers of every request. */
    headers?: HeadersInit;
    /** A jar to share with another agent; an own one where absent. */
    cookies?: CookieJar;
    /** The sites that the agent may go to, by redirect, form or call; anywhere where neither this nor `baseUrl` is given. */
    origins?: readonly (string | URL)[];
    /** 10 where absent. */
    redirectsMax?: number;
    /** Records a failure for each exchange whose first byte takes longer; the run goes on. */
    firstByteMsMax?: number;
  }

  export interface RequestOptions {
    headers?: HeadersInit;
    /** One of `body`, `json` and `form`. */
    body?: BodyInit | null;
    /** Sent as JSON, with its `content-type`. */
    json?: unknown;
    /** Sent as a form, URL-encoded. */
    form?: Record<string, string> | Iterable<readonly [string, string]>;
    signal?: AbortSignal;
    /** With `false` the first redirect is the answer; its `next` says where it leads. */
    redirects?: boolean;
    /** Stops at the redirect that leads to a URL for which this holds; the answer's `next` is that URL. */
    until?(url: URL): boolean;
  }

  /** One visitor. A body never follows a redirect to another site, and neither does `authorization`. */
  export interface Agent {
    readonly cookies: CookieJar;
    /** Every exchange so far, oldest first, at most 1,000. */
    readonly exchanges: readonly Exchange[];
    /** A URL of the site, from a path. */
    url(path: string | URL): string;
    get(url: string | URL, options?: RequestOptions): Promise<Answer>;
    head(url: string | URL, options?: RequestOptions): Promise<Answer>;
    post(url: string | URL, options?: RequestOptions): Promise<Answer>;
    put(url: string | URL, options?: RequestOptions): Promise<Answer>;
    patch(url: string | URL, options?: RequestOptions): Promise<Answer>;
    delete(url: string | URL, options?: RequestOptions): Promise<Answer>;
    /** With any other method. */
    request(method: string, url: string | URL, options?: RequestOptions): Promise<Answer>;
    /** Sends a form with some of its fields filled in, and the `button` that is pressed: its name, or `name=value`. */
    submit(
      form: Form,
      fields?: FormFields,
      options?: Omit<RequestOptions, "body" | "json" | "form"> & { button?: string },
    ): Promise<Answer>;
  }

  /** A response with its body read. `expect(answer).toHaveStatus(200)`, `toHaveHeader` and `connection` take it. */
  export interface Answer {
    /** The last URL, after redirects. */
    readonly url: string;
    readonly status: number;
    readonly statusText: string;
    readonly ok: boolean;
    readonly headers: Headers;
    readonly bytes: Uint8Array<ArrayBuffer>;
    /** The body as text, by the charset of its `content-type`, or UTF-8. */
    readonly text: string;
    /** The way here: redirects first, this answer last. */
    readonly exchanges: readonly Exchange[];
    /** The way in a line, without queries: `GET https://a.test/x 302, GET https://a.test/y 200`. */
    readonly chain: string;
    /** How long the last exchange took. */
    readonly timings: Timings;
    /** The cookies that were set on the way, and kept. */
    readonly cookies: readonly Cookie[];
    /** Where a redirect leads that was not followed. */
    readonly next?: URL;
    /** Fails, with the class `http` and the beginning of the body, unless the status is this, or one of these. */
    expectStatus(status: number | readonly number[]): this;
    /** The body as JSON, or what it has at a path such as `"keys.0.kid"`. Fails where it is none, or has nothing there. */
    json(path?: string | readonly string[]): any;
    /** The body as a page of HTML, which must be whole. */
    page(): Page;
  }

  export interface Exchange {
    readonly method: string;
    readonly url: string;
    readonly status: number;
    /** Where it leads, for a redirect. */
    readonly location?: string;
    readonly timings: Timings;
  }

  /** In milliseconds; a phase that was not needed, as on a connection used again, is absent. */
  export interface Timings {
    readonly dnsMs?: number;
    readonly connectMs?: number;
    readonly tlsMs?: number;
    readonly firstByteMs?: number;
    readonly bodyMs?: number;
    readonly totalMs: number;
  }

  /** Reads a page of HTML with a browser's parser; `url` is where it was loaded from. */
  export function page(html: string, url: string | URL): Page;

  export interface Page {
    readonly url: string;
    readonly title?: string;
    /** What relative URLs of the page are relative to: its own URL, or `<base href>`. */
    readonly base: string;
    readonly forms: readonly Form[];
    readonly links: readonly Link[];
    readonly resources: readonly PageResource[];
    /** The elements that a CSS selector finds, at most 1,000. */
    select(selector: string): PageElement[];
    /** The first element that a CSS selector finds. Fails where there is none. */
    find(selector: string): PageElement;
    /** The first link with this text, or whose text matches. Fails where there is none, or it leads to no URL. */
    link(text: string | RegExp): Link & { readonly url: string };
    /** The first form with a field of this name. Fails where there is none. */
    formWith(field: string): Form;
  }

  export interface PageElement {
    readonly tag: string;
    /** What a person reads in it, with white space collapsed. */
    readonly text: string;
    readonly attributes: Readonly<Record<string, string>>;
  }

  export interface Link {
    /** Absolute; absent where `href` is no URL. */
    readonly url?: string;
    readonly href: string;
    readonly text: string;
    readonly rel: string;
  }

  export interface PageResource {
    readonly kind: "script" | "stylesheet" | "image" | "frame" | "link";
    readonly url?: string;
    readonly integrity?: string;
    readonly crossorigin?: string;
  }

  /** A text, several texts of one name, or for a checkbox whether it is ticked. */
  export type FormFields = Record<string, string | number | boolean | readonly string[]>;

  export interface Form {
    readonly id?: string;
    readonly name?: string;
    /** Absolute. */
    readonly action?: string;
    readonly method: "get" | "post" | "dialog";
    readonly enctype: "application/x-www-form-urlencoded" | "multipart/form-data" | "text/plain";
    readonly controls: readonly FormControl[];
    /** What it sends when nobody touches it, hidden fields included. */
    readonly fields: Readonly<Record<string, string>>;
    /** All that is sent, in order. Fails for a field, a choice or a button that the form does not have. */
    filled(fields?: FormFields, options?: { button?: string }): [string, string][];
  }

  /** A control that has a name and is not disabled. */
  export interface FormControl {
    readonly name: string;
    /** Of an `input` its type, else `select`, `textarea` or `submit`. */
    readonly type: string;
    readonly value: string;
    /** Whether it is sent when nobody touches it. */
    readonly sent: boolean;
    readonly options?: readonly string[];
  }

  export interface Cookie {
    readonly name: string;
    readonly value: string;
    readonly domain: string;
    /** Whether it goes to this host alone, since it names no `Domain`. */
    readonly hostOnly: boolean;
    readonly path: string;
    readonly secure: boolean;
    readonly httpOnly: boolean;
    /** Lower case; empty where absent. */
    readonly sameSite: string;
    /** Absent for a cookie that ends with the session. */
    readonly expires?: Date;
    /** Why a browser would not keep it. */
    readonly refused?: string;
  }

  /** Reads one `set-cookie` line of the page at `from` (RFC 6265). */
  export function parseCookie(line: string, from: string | URL, now?: number): Cookie;

  /**
   * The cookies of one visitor, kept and sent as browsers do. There is no list of public suffixes: a `Domain` of one
   * label is refused, one such as `co.uk` is not. `SameSite` is read, and not acted on.
   */
  export class CookieJar {
    /** Takes what a response sets, and returns the cookies that were kept. */
    take(response: Response | Answer): Cookie[];
    /** Takes one `set-cookie` line; returns the cookie, where it was kept. */
    set(line: string, url: string | URL): Cookie | undefined;
    /** The `cookie` header of a request; `undefined` where no cookie goes with it. */
    header(url: string | URL): string | undefined;
    /** The cookies that go with a request, in the order in which they are sent. */
    for(url: string | URL): Cookie[];
    readonly all: readonly Cookie[];
    /** Those that a browser would not have kept, each with why. */
    readonly refused: readonly Cookie[];
    clear(): void;
  }

  export type SecurityHeader =
    | "strict-transport-security"
    | "content-security-policy"
    | "x-content-type-options"
    | "x-frame-options"
    | "referrer-policy";

  /** Records each header that keeps a browser's user safe and is missing or weak. Returns whether all held. */
  export function checkSecurityHeaders(
    response: Response | Answer,
    options?: {
      /** 180 days where absent. */
      hstsMaxAgeSMin?: number;
      except?: readonly SecurityHeader[];
    },
  ): boolean;

  /** The directives of a `content-security-policy`; `undefined` where there is none. */
  export function contentSecurityPolicy(response: Response | Answer): Record<string, string[]> | undefined;

  /** Records the flags that a session's cookie lacks: HttpOnly, Secure, and SameSite `lax` or `strict`. */
  export function checkCookieFlags(
    cookie: Cookie,
    options?: { httpOnly?: boolean; secure?: boolean; sameSite?: string | readonly string[] },
  ): boolean;

  /** What an answer says of being cached (RFC 9111). */
  export function caching(response: Response | Answer): Caching;

  export interface Caching {
    readonly noStore: boolean;
    readonly noCache: boolean;
    readonly private: boolean;
    readonly public: boolean;
    readonly immutable: boolean;
    readonly mustRevalidate: boolean;
    readonly maxAgeS?: number;
    readonly sharedMaxAgeS?: number;
    readonly staleWhileRevalidateS?: number;
    readonly ageS?: number;
    readonly etag?: string;
    readonly lastModified?: string;
    readonly vary?: string;
  }

  /** The Subresource Integrity value of a file; SHA-384 where absent. */
  export function integrity(bytes: BufferSource, algorithm?: "sha256" | "sha384" | "sha512"): Promise<string>;

  /** Fails unless a browser would run this file under this `integrity` attribute. `what` names it in the failure. */
  export function expectIntegrity(bytes: BufferSource, promised: string, what?: string): Promise<void>;
}

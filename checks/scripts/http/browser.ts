// As much of a browser as signing in needs: cookies, redirects and the forms of a page.

import { AssertionError, expect } from "tocsin";
import { checkFirstByte } from "./answer.ts";
import { type Cookie, CookieJar } from "./cookies.ts";
import type { Form } from "./form.ts";

const REDIRECTS_MAX = 10;

/** Where a visit ended: at a page, or at the redirect that leads to where the visitor wants to stop. */
export interface Visit {
  readonly response: Response;
  readonly url: URL;
  /** The cookies set on the way. */
  readonly cookies: readonly Cookie[];
}

/** Whether a visit ends before the request that a redirect asks for. */
export type Stop = (url: URL) => boolean;

/** One visitor of one site. It follows no redirect to another one: a password must not travel there. */
export class Browser {
  readonly #jar = new CookieJar();
  readonly #origin: string;

  constructor(site: string | URL) {
    this.#origin = new URL(site).origin;
  }

  /** Opens a page, following redirects as far as `until` holds for where one leads. */
  async visit(url: string | URL, { until, body }: { until?: Stop; body?: URLSearchParams } = {}): Promise<Visit> {
    const cookies: Cookie[] = [];
    let target = new URL(url);
    for (let hops = 0; hops <= REDIRECTS_MAX; hops++) {
      expect(target.origin, "the site that a redirect or a form leads to").toBe(this.#origin);
      const cookie = this.#jar.header(target);
      const response = await fetch(target, {
        method: body === undefined ? "GET" : "POST",
        headers: cookie === undefined ? { accept: "text/html" } : { accept: "text/html", cookie },
        redirect: "manual",
        body: body ?? null,
      });
      cookies.push(...this.#jar.take(response));
      const location = response.headers.get("location");
      if (![301, 302, 303, 307, 308].includes(response.status) || location === null) {
        return { response, url: target, cookies };
      }
      checkFirstByte(response);
      await response.body?.cancel();
      target = new URL(location, target);
      if (until?.(target)) return { response, url: target, cookies };
      // The method survives only 307 and 308 (RFC 9110, section 15.4).
      if (response.status < 307) body = undefined;
    }
    throw new AssertionError(`more than ${REDIRECTS_MAX} redirects, the last to ${target.origin}${target.pathname}`);
  }

  /** Sends a form with some of its fields filled in. */
  submit(form: Form, fields: Record<string, string>, until?: Stop): Promise<Visit> {
    const filled = new URLSearchParams({ ...form.fields, ...fields });
    if (form.method === "post") return this.visit(form.action, { body: filled, until });
    const url = new URL(form.action);
    url.search = filled.toString();
    return this.visit(url, { until });
  }
}

// Cookies as a browser keeps them (RFC 6265), as far as one site's sign-in needs it.

export interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  /** As written, lower case; empty where absent. */
  readonly sameSite: string;
}

export class CookieJar {
  readonly #cookies = new Map<string, Cookie & { host: string }>();

  /** Takes what a response sets, and forgets what it expires. */
  take(response: Response): Cookie[] {
    const taken = [];
    const { hostname } = new URL(response.url);
    for (const line of response.headers.getSetCookie()) {
      const { cookie, expired } = parse(line);
      const key = `${hostname} ${cookie.path} ${cookie.name}`;
      if (expired) {
        this.#cookies.delete(key);
      } else {
        this.#cookies.set(key, { ...cookie, host: hostname });
        taken.push(cookie);
      }
    }
    return taken;
  }

  /** The `cookie` header of a request; `undefined` where no cookie goes with it. */
  header(url: URL): string | undefined {
    const pairs = [...this.#cookies.values()]
      .filter((cookie) => cookie.host === url.hostname && onPath(url.pathname, cookie.path))
      .filter((cookie) => !cookie.secure || url.protocol === "https:")
      .map((cookie) => `${cookie.name}=${cookie.value}`);
    return pairs.length > 0 ? pairs.join("; ") : undefined;
  }
}

function parse(line: string): { cookie: Cookie; expired: boolean } {
  const [pair = "", ...rest] = line.split(";");
  const attributes = new Map(
    rest.map((attribute) => {
      const [name = "", ...value] = attribute.split("=");
      return [name.trim().toLowerCase(), value.join("=").trim()] as const;
    }),
  );
  const equals = pair.indexOf("=");
  const path = attributes.get("path") ?? "";
  const maxAge = attributes.get("max-age");
  const expires = attributes.get("expires");
  return {
    cookie: {
      name: pair.slice(0, equals).trim(),
      value: pair.slice(equals + 1).trim(),
      path: path.startsWith("/") ? path : "/",
      secure: attributes.has("secure"),
      httpOnly: attributes.has("httponly"),
      sameSite: (attributes.get("samesite") ?? "").toLowerCase(),
    },
    expired: maxAge !== undefined ? Number(maxAge) <= 0 : expires !== undefined && Date.parse(expires) <= Date.now(),
  };
}

function onPath(path: string, of: string): boolean {
  return path === of || (path.startsWith(of) && (of.endsWith("/") || path[of.length] === "/"));
}

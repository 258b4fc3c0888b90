// Cookies as a browser keeps and sends them (RFC 6265, RFC 6265bis).
import { defineCheck, expect } from "tocsin";
import { CookieJar, parseCookie } from "tocsin/http";
import { told } from "../modules/told.ts";

const HOME = "https://www.a.test/shop/cart";
const DAY_MS = 86_400_000;
const NOW = Date.UTC(2030, 0, 1);

/** What goes with a request to `to` after `lines` were set at `at`. */
const sent = (lines: string[], to: string, at = HOME) => () => {
  const jar = new CookieJar();
  for (const line of lines) jar.set(line, at);
  return jar.header(to) ?? "nothing";
};
const kept = (line: string, at = HOME) => () => parseCookie(line, at).refused ?? "kept";
const until = (line: string) => () => parseCookie(line, HOME, NOW).expires?.toISOString() ?? "the session's end";

export default defineCheck({
  schedule: "every 30s",
  async run() {
    expect(parseCookie("sid=a=b; Path=/shop; Secure; HttpOnly; SameSite=Lax; Domain=.A.test", HOME)).toEqual({
      name: "sid",
      value: "a=b",
      domain: "a.test",
      hostOnly: false,
      path: "/shop",
      secure: true,
      httpOnly: true,
      sameSite: "lax",
    });
    await told({
      "its own host": sent(["a=1"], "https://www.a.test/shop/x"),
      "another host": sent(["a=1"], "https://b.test/shop/x"),
      "a host below, of a cookie without Domain": sent(["a=1; Path=/"], "https://x.www.a.test/"),
      "a host below": sent(["a=1; Path=/; Domain=www.a.test"], "https://x.www.a.test/"),
      "a sibling": sent(["a=1; Path=/; Domain=a.test"], "https://api.a.test/"),
      "a host that only ends alike": sent(["a=1; Path=/; Domain=a.test"], "https://eva.test/"),
      "the folder that set it": sent(["a=1"], "https://www.a.test/shop"),
      "another folder": sent(["a=1"], "https://www.a.test/shopping"),
      "a path below": sent(["a=1; Path=/shop"], "https://www.a.test/shop/a/b"),
      "a path that only begins alike": sent(["a=1; Path=/shop"], "https://www.a.test/shopping"),
      "a path that is none": sent(["a=1; Path=shop"], "https://www.a.test/shop/x"),
      "without TLS": sent(["a=1; Path=/", "b=2; Path=/; Secure"], "http://www.a.test/"),
      "longer paths first": sent(["a=1; Path=/", "b=2; Path=/shop", "c=3; Path=/"], "https://www.a.test/shop/"),
      "a later one of the same name": sent(["a=1; Path=/", "a=2; Path=/"], "https://www.a.test/"),
      "the same name on two paths": sent(["a=1; Path=/", "a=2; Path=/shop"], "https://www.a.test/shop"),
      "no name": sent(["just a value; Path=/"], "https://www.a.test/"),
      "forgotten by Max-Age": sent(["a=1; Path=/", "a=; Path=/; Max-Age=0"], "https://www.a.test/"),
      "forgotten by Expires": sent(["a=1; Path=/", "a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"], "https://www.a.test/"),
      "on the machine itself": sent(["a=1; Path=/; Secure"], "http://127.0.0.1:80/", "http://127.0.0.1:99/"),
      "an address is no domain": kept("a=1; Domain=0.0.1", "https://127.0.0.1/"),
      "another site's": kept("a=1; Domain=b.test"),
      "a host below's": kept("a=1; Domain=x.www.a.test"),
      "a public suffix": kept("a=1; Domain=test"),
      "nothing": kept("; Path=/"),
      "too long": kept(`a=${"x".repeat(4096)}`),
      "control characters": kept("a=1\x00"),
      "Secure without TLS": kept("a=1; Secure", "http://www.a.test/"),
      "SameSite=None": kept("a=1; SameSite=None"),
      "SameSite=None; Secure": kept("a=1; SameSite=None; Secure"),
      "__Secure- without Secure": kept("__Secure-a=1"),
      "__Host- with a path": kept("__Host-a=1; Secure; Path=/shop"),
      "__Host- with a domain": kept("__Host-a=1; Secure; Path=/; Domain=www.a.test"),
      "__Host- as it should be": kept("__Host-a=1; Secure; Path=/"),
      "no end": until("a=1"),
      "Max-Age": until("a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
      "Max-Age that is none": until("a=1; Max-Age=soon"),
      "Max-Age without end": until("a=1; Max-Age=99999999999999999999"),
      "a date": until("a=1; Expires=Wed, 09 Jun 2032 10:18:14 GMT"),
      "an old date": until("a=1; Expires=Wednesday, 09-Jun-32 10:18:14 GMT"),
      "a date of asctime": until("a=1; Expires=Wed Jun  9 10:18:14 2032"),
      "a date that is none": until("a=1; Expires=tomorrow"),
      "a day that does not exist": until("a=1; Expires=Wed, 32 Jun 2032 10:18:14 GMT"),
    });
    // All that a response sets at once, and what then goes with a request.
    const visitor = new CookieJar();
    const response = new Response("");
    Object.defineProperty(response, "url", { value: HOME });
    for (const line of ["sid=1; Path=/; HttpOnly", "cart=2", "gone=; Max-Age=0", "bad=1; Domain=b.test"]) response.headers.append("set-cookie", line);
    expect(visitor.take(response).map(({ name }) => name)).toEqual(["sid", "cart"]);
    expect(visitor.take(new Response(""))).toEqual([]);
    expect(visitor.for(HOME).map(({ name, path }) => [name, path])).toEqual([["cart", "/shop"], ["sid", "/"]]);
    expect(visitor.for("https://www.a.test/")).toMatchObject([{ name: "sid", httpOnly: true }]);
    expect(visitor.for(new URL("https://b.test/"))).toEqual([]);
    expect(visitor.refused).toMatchObject([{ name: "bad" }]);

    const jar = new CookieJar();
    jar.set("old=1; Path=/", HOME);
    jar.set(`soon=1; Path=/; Expires=${new Date(Date.now() + DAY_MS).toUTCString()}`, HOME);
    jar.set("bad=1; Domain=b.test", HOME);
    expect(jar.all.map(({ name }) => name)).toEqual(["old", "soon"]);
    expect(jar.refused).toMatchObject([{ name: "bad", refused: expect.stringContaining("b.test") }]);
    for (let index = 0; index < 600; index++) jar.set(`c${index}=1; Path=/`, HOME);
    expect(jar.all).toHaveLength(500);
    jar.clear();
    expect(jar.all).toEqual([]);
  },
});

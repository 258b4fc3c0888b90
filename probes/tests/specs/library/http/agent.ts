// An agent: where it goes, what it takes along, and what it tells of the way.
import { defineCheck, expect } from "tocsin";
import { agent, CookieJar } from "tocsin/http";
import { type Answered, questions, serve } from "../modules/site.ts";
import { told } from "../modules/told.ts";

const SITE = "https://a.test";
const json = (value: unknown, type = "application/json"): Answered => ({ text: JSON.stringify(value), headers: { "content-type": type } });
const answering = (answer: Answered) => {
  serve(() => answer);
  return agent({ baseUrl: SITE }).get("/x?token=secret");
};
/** Method, path and body of the requests after a redirect with this status. */
async function redirected(status: number, method: string, options = {}): Promise<unknown> {
  serve(({ url }) => (url.pathname === "/from" ? { status, headers: { location: "/to" } } : {}));
  questions();
  await agent({ baseUrl: SITE }).request(method, "/from", options);
  const [, to] = questions();
  return [to!.method, to!.body, to!.headers.get("content-type")];
}
/** Goes where the answers of one path after the other lead. */
const way = (locations: Record<string, string>, options = {}, request = {}) => async () => {
  serve(({ url }) => {
    const location = locations[url.href.replace(SITE, "")];
    return location === undefined ? {} : { status: 302, headers: { location } };
  });
  const answer = await agent({ baseUrl: SITE, ...options }).get("/", request);
  return `${answer.chain}, next ${answer.next}`;
};

export default defineCheck({
  schedule: "every 30s",
  async run() {
    // Methods and bodies over redirects (fetch standard, HTTP-redirect fetch).
    const form = { form: { a: "1" } };
    const kept = ["POST", "a=1", null];
    for (const status of [301, 302, 303]) expect(await redirected(status, "POST", form), `${status}`).toEqual(["GET", null, null]);
    for (const status of [307, 308]) expect(await redirected(status, "POST", form), `${status}`).toEqual(kept);
    expect(await redirected(302, "PUT", { json: {} })).toEqual(["PUT", "{}", "application/json"]);
    expect(await redirected(303, "PUT", { json: {} })).toEqual(["GET", null, null]);
    expect(await redirected(303, "HEAD")).toEqual(["HEAD", null, null]);

    // Cookies on the way, also those that a redirect sets; headers of the agent and of the request.
    serve(({ url }) => (url.pathname === "/" ? { status: 302, headers: { location: "/home" }, cookies: ["sid=1; Path=/", "gone=1; Max-Age=0", "bad=1; Domain=b.test"] } : { cookies: ["lang=de"] }));
    questions();
    const browser = agent({ baseUrl: SITE, headers: { "accept-language": "de", "x-a": "1" } });
    const home = await browser.get("/", { headers: { "x-a": "2" } });
    const [, second] = questions();
    expect([second!.headers.get("cookie"), second!.headers.get("accept-language"), second!.headers.get("x-a")]).toEqual(["sid=1", "de", "2"]);
    expect(home.cookies.map(({ name }) => name)).toEqual(["sid", "lang"]);
    expect(browser.cookies.refused).toHaveLength(1);
    expect(home.chain).toBe("GET https://a.test/ 302, GET https://a.test/home 200");
    expect(home.exchanges).toMatchObject([{ status: 302, location: "https://a.test/home" }, { status: 200, url: "https://a.test/home" }]);
    expect(browser.exchanges).toHaveLength(2);
    expect(home.timings.totalMs).toBeGreaterThanOrEqual(0);
    const jar = new CookieJar();
    jar.set("mine=1; Path=/", SITE);
    await agent({ baseUrl: SITE, cookies: jar }).get("/home");
    expect(questions().pop()!.headers.get("cookie")).toBe("mine=1");

    // A form in each encoding, and by GET.
    serve(() => ({ html: "<html><form method=post enctype=multipart/form-data action=/up><input name=a value=1></form><form action=/find?x=1><input name=q></form></html>" }));
    const page = (await browser.get("/home")).expectStatus(200).page();
    questions();
    await browser.submit(page.formWith("a"));
    await browser.submit(page.formWith("q"), { q: "ä b" });
    const [up, find] = questions();
    expect([up!.method, up!.body.get("a")]).toEqual(["POST", "1"]);
    expect([find!.method, find!.url.href]).toEqual(["GET", "https://a.test/find?q=%C3%A4+b"]);

    // What an answer says.
    expect((await answering(json({ keys: [{ kid: "a" }], "a.b": null }))).json("keys.0.kid")).toBe("a");
    expect((await answering(json({ "a.b": null }, "application/problem+json; charset=utf-8"))).json(["a.b"])).toBeNull();
    expect((await answering({ text: "", headers: { "content-type": "text/plain; charset=iso-8859-1" } })).text).toBe("");
    expect((await answering({ status: 204 })).bytes).toHaveLength(0);
    expect(await answering({ status: 404 })).toHaveStatus(404);
    expect(await answering({ headers: { "x-a": "1" } })).toHaveHeader("x-a", "1");

    await told({
      "three redirects": way({ "/": "/a", "/a": "b", "/b": "/c?code=secret" }),
      "another site": way({ "/": "https://b.test/?code=secret" }),
      "another site that is allowed": way({ "/": "https://b.test/?code=secret" }, { origins: [SITE, "https://b.test"] }),
      "a stop before another site": way({ "/": "https://b.test/cb" }, {}, { until: ({ origin }: URL) => origin === "https://b.test" }),
      "no redirects": way({ "/": "/a" }, {}, { redirects: false }),
      "a circle": way({ "/": "/" }, { redirectsMax: 2 }),
      "a redirect to a file": way({ "/": "file:///etc/passwd" }, { origins: undefined }),
      "a redirect to nowhere": way({ "/": "http://[" }),
      "a fragment stays": way({ "/": "/a#part" }),
      "a body to another site": async () => {
        serve(() => ({ status: 307, headers: { location: "https://b.test/" } }));
        await agent().post(SITE, { form: { password: "secret" } });
      },
      "a token to another site": async () => {
        serve(({ url }) => (url.origin === SITE ? { status: 302, headers: { location: "https://b.test/" } } : {}));
        questions();
        await agent({ headers: { authorization: "Bearer secret" } }).get(SITE);
        return questions().map(({ headers }) => headers.has("authorization"));
      },
      "a wrong status": async () => (await answering({ status: 503, json: { access_token: "secret", error: "overloaded" } })).expectStatus([200, 201]),
      "a JWT in an error": async () => (await answering({ status: 500, text: "bad token eyJhbGciOi.eyJzdWIi.c2VjcmV0 x" })).expectStatus(200),
      "no JSON": async () => (await answering({ text: "secret" })).json(),
      "half of JSON": async () => (await answering({ text: '{"secret', headers: { "content-type": "application/json" } })).json(),
      "nothing at the path": async () => (await answering(json({ keys: [] }))).json("keys.0.kid"),
      "a path that is none": async () => (await answering(json({}))).json(5 as any),
      "no page": async () => (await answering({ text: "hello" })).page(),
      "half a page": async () => (await answering({ html: "<html><body>hello" })).page(),
      "a charset that does not exist": async () => (await answering({ text: "x", headers: { "content-type": "text/plain; charset=klingon" } })).text,
      "a relative URL without a base": () => agent().get("/x"),
      "a base that is none": () => agent({ baseUrl: "a.test" }),
      "an option that does not exist": () => agent({ baseURL: SITE } as any),
      "an option of a request that does not exist": () => browser.get("/", { header: {} } as any),
      "two bodies": () => browser.post("/", { json: {}, form: {} }),
      "too many redirects asked for": () => agent({ redirectsMax: 99 }),
      "a method that is none": () => browser.request(5 as any, "/"),
      "no form": () => browser.submit({} as any),
      "a form that is sent by mail": async () => {
        serve(() => ({ html: "<html><form method=dialog><input name=a></form></html>" }));
        const asked = (await browser.get("/")).page();
        await browser.submit(asked.formWith("a"));
      },
    });
  },
});

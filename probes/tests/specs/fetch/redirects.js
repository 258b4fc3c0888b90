import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { TARGET, TARGET_TLS } }) {
    const to = (status, url) => `${TARGET}/redirect/${status}?to=${url}`;

    const followed = await fetch(to(302, "/hello"));
    expect([followed.status, followed.redirected, followed.url]).toEqual([200, true, `${TARGET}/hello`]);
    expect(await followed.text()).toBe("hello");

    for (const status of [301, 302, 303]) {
      const seen = await (await fetch(to(status, "/request"), { method: "POST", body: "text" })).json();
      expect([status, seen.method, seen.body_bytes, seen.headers["content-type"]]).toEqual([status, "GET", 0, undefined]);
    }
    for (const status of [307, 308]) {
      const seen = await (await fetch(to(status, "/request"), { method: "POST", body: "text" })).json();
      expect([status, seen.method, seen.body]).toEqual([status, "POST", "text"]);
    }

    const manual = await fetch(to(302, "/hello"), { redirect: "manual" });
    expect([manual.status, manual.headers.get("location"), manual.redirected]).toEqual([302, "/hello", false]);

    const refused = fetch(to(302, "/hello"), { redirect: "error" });
    await expect(refused).rejects.toThrow("redirect");

    const circle = fetch(to(302, encodeURIComponent("/redirect/302")));
    expect(await (await circle).text()).toBe("hello");

    // What is meant for one origin stays there.
    const headers = { authorization: "Bearer secret", cookie: "a=1", "x-kept": "yes" };
    const across = await (await fetch(to(302, `${TARGET_TLS}/request`), { headers })).json();
    expect([across.headers.authorization, across.headers.cookie, across.headers["x-kept"]]).toEqual([undefined, undefined, "yes"]);
    const within = await (await fetch(to(302, "/request"), { headers })).json();
    expect([within.headers.authorization, within.headers.cookie]).toEqual(["Bearer secret", "a=1"]);
  },
});

import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { TARGET, TARGET_TLS } }) {
    const cookies = await fetch(`${TARGET}/cookies`);
    expect(cookies.headers.getSetCookie()).toEqual(["a=1; Path=/", "b=2; HttpOnly"]);
    const plain = await (await fetch(`${TARGET}/request`)).json();
    expect(plain.headers.cookie).toBe(undefined);
    expect(plain.headers["user-agent"]).toMatch(/^tocsin\/\d+\.\d+\.\d+$/);
    expect([plain.headers.accept, plain.headers["accept-language"]]).toEqual(["*/*", "*"]);

    // A server-side fetch has no forbidden headers.
    const headers = { cookie: "a=1; b=2", host: "virtual.test", origin: "https://o.test", referer: "https://r.test/", "user-agent": "me" };
    const own = await (await fetch(`${TARGET}/request`, { headers })).json();
    for (const [name, value] of Object.entries(headers)) expect(own.headers[name], name).toBe(value);
    const http2 = await (await fetch(`${TARGET_TLS}/request`, { headers })).json();
    expect([http2.version, http2.authority, http2.headers.cookie]).toEqual(["HTTP/2.0", "virtual.test", "a=1; b=2"]);

    await expect(fetch(TARGET, { headers: { "bad name": "x" } })).rejects.toThrow(TypeError);
    expect(() => cookies.headers.set("x", "1")).toThrow(TypeError);
  },
});

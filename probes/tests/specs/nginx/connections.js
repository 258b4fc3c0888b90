import { connection, defineCheck, expect } from "tocsin";

const text = async (url, init) => (await fetch(url, init)).text();

export default defineCheck({
  schedule: "every 30s",
  timeout: "10s",
  async run({ vars: { NGINX, NGINX_TLS } }) {
    expect([await text(`${NGINX}/protocol`), await text(`${NGINX_TLS}/protocol`)]).toEqual(["HTTP/1.1", "HTTP/2.0"]);
    const { httpVersion, tls } = connection(await fetch(`${NGINX_TLS}/text`));
    expect([httpVersion, tls.alpn, tls.certificates[0].names]).toEqual(["HTTP/2", "h2", ["nginx.test"]]);

    // Keep-alive: one connection for one request after the other; a server that closes is asked by a new one.
    for (const site of [NGINX, NGINX_TLS]) {
      const first = await text(`${site}/connection`);
      for (let request = 0; request < 5; request++) expect(await text(`${site}/connection`), site).toBe(first);
    }
    const once = [];
    for (let request = 0; request < 3; request++) once.push(await text(`${NGINX}/connection`), await text(`${NGINX}/once`));
    expect(new Set(once.filter((_, index) => index % 2 === 0)).size).toBe(3);
    const numbers = new Set();
    for (let request = 0; request < 8; request++) numbers.add(await text(`${NGINX}/twice`));
    expect(numbers.size).toBeGreaterThan(1);

    // Many at once: streams of one connection in HTTP/2.
    const parallel = await Promise.all(Array.from({ length: 20 }, () => text(`${NGINX_TLS}/connection`)));
    expect(new Set(parallel).size).toBe(1);
    const lengths = await Promise.all(Array.from({ length: 10 }, async () => (await text(`${NGINX}/text`)).length));
    expect(lengths).toEqual(Array(10).fill(6000));

    // Cookies and repeated headers.
    const cookies = await fetch(`${NGINX}/cookies`, { headers: { cookie: "a=1; b=2" } });
    expect(cookies.headers.getSetCookie()).toEqual(["sid=1; Path=/; HttpOnly", "lang=de, en; Max-Age=60"]);
    expect([cookies.headers.get("x-twice"), await cookies.text()]).toEqual(["one, two", "a=1; b=2"]);

    // Given up in the body: the rest is not waited for, and others do not notice.
    for (const site of [NGINX, NGINX_TLS]) {
      const controller = new AbortController();
      const slow = await fetch(`${site}/slow`, { signal: controller.signal });
      const reader = slow.body.getReader();
      expect((await reader.read()).value.length, site).toBeGreaterThan(0);
      controller.abort(new Error("enough"));
      const rest = (async () => {
        while (!(await reader.read()).done);
      })();
      expect((await rest.catch((error) => error)).message, site).toBe("enough");
      const cancelled = await fetch(`${site}/slow`);
      await cancelled.body.cancel();
      expect(await text(`${site}/alphabet`), site).toHaveLength(26);
    }
  },
});

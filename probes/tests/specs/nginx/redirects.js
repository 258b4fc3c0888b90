import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { NGINX, NGINX_TLS } }) {
    const seen = async (url, init) => (await (await fetch(url, init)).text()).split("|");
    for (const [status, method, body, type] of [
      [301, "GET", "", ""],
      [302, "GET", "", ""],
      [303, "GET", "", ""],
      [307, "POST", "text", "text/plain;charset=UTF-8"],
      [308, "POST", "text", "text/plain;charset=UTF-8"],
    ]) {
      const got = await seen(`${NGINX}/redirect/${status}`, { method: "POST", body: "text" });
      expect(got.slice(0, 3), `POST over ${status}`).toEqual([method, body, type]);
    }
    for (const [status, method] of [[301, "PUT"], [302, "PUT"], [303, "GET"], [307, "PUT"], [308, "PUT"]]) {
      const got = await seen(`${NGINX}/redirect/${status}`, { method: "PUT", body: "text" });
      expect(got.slice(0, 2), `PUT over ${status}`).toEqual([method, method === "PUT" ? "text" : ""]);
    }
    expect((await fetch(`${NGINX}/redirect/303`, { method: "HEAD" })).status).toBe(200);

    const manual = await fetch(`${NGINX}/redirect/301`, { redirect: "manual" });
    expect([manual.status, manual.headers.get("location"), manual.redirected]).toEqual([301, "/seen", false]);
    await expect(fetch(`${NGINX}/redirect/301`, { redirect: "error" })).rejects.toThrow("redirect");
    await expect(fetch(`${NGINX}/redirect/circle`)).rejects.toThrow("redirect");

    // What is meant for one origin stays there.
    const headers = { authorization: "Bearer secret" };
    expect((await seen(`${NGINX}/redirect/302`, { headers }))[3]).toBe("Bearer secret");
    const away = await fetch(`${NGINX_TLS}/redirect/away`, { headers });
    expect([away.redirected, (await away.text()).split("|")[4]]).toEqual([true, ""]);
    expect(away.url).toMatch(/^http:/);
  },
});

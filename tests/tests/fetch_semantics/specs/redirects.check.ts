// The way to the login page, in each redirect mode (fetch standard, HTTP-redirect fetch).
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  timeout: "30s",
  async run({ vars }) {
    const site = vars.AUTH_URL!;
    const query = {
      client_id: vars.SPA_CLIENT_ID!,
      redirect_uri: `${site}/callback`,
      response_type: "code",
      scope: "openid",
      state: "s",
      code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
      code_challenge_method: "S256",
    };
    const start = `${site}/authorize?${new URLSearchParams(query)}`;

    const followed = await fetch(start);
    expect([followed.status, followed.redirected, followed.type]).toEqual([200, true, "basic"]);
    expect(followed.url).toMatch(/\/login\?state=[\w-]+$/);
    expect(await followed.text()).toContain("<form");

    const manual = await fetch(start, { redirect: "manual" });
    expect([manual.status, manual.redirected, manual.url]).toEqual([302, false, start]);
    expect(manual.headers.get("location")).toMatch(/\/login\?state=/);
    expect(await manual.text()).toBe("");

    await expect(fetch(start, { redirect: "error" })).rejects.toThrow(TypeError);
    expect((await fetch(`${site}/test`, { redirect: "error" })).status).toBe(200);

    // A form that is sent becomes a GET at the redirect, without its body.
    const sent = await fetch(`${site}/authorize`, { method: "POST", body: new URLSearchParams(query) });
    expect([sent.status, sent.redirected]).toEqual([200, true]);
    expect(sent.url).toMatch(/\/login\?state=/);

    // The fragment of what was asked for is neither sent nor shown.
    const marked = await fetch(`${start}#part`, { redirect: "manual" });
    expect(marked.url).toBe(start);

    // Back at the application, with an error in the query, without a page between.
    const silent = await fetch(`${start}&prompt=none`);
    expect(silent.url).toMatch(/\/callback\?error=login_required&/);
    // A request that may not be sent on is shown where it is.
    const wrong = await fetch(start.replace("callback", "elsewhere"));
    expect([wrong.status, wrong.redirected]).toEqual([400, false]);
  },
});

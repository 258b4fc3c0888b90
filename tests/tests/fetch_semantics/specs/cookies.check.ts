// Cookies by hand: `fetch` keeps none, shows every one that is set, and sends what the script says.
import { defineCheck, expect, step } from "tocsin";
import { page } from "tocsin/http";

export default defineCheck({
  schedule: "every 30s",
  timeout: "30s",
  secrets: ["LOGIN_PASSWORD"],
  async run({ vars, secrets }) {
    const site = vars.AUTH_URL!;
    const name = (line: string) => line.slice(0, line.indexOf("="));
    const pair = (line: string) => line.slice(0, line.indexOf(";"));

    const { cookie, fields, action } = await step("the login page", async () => {
      const shown = await fetch(`${site}/dashboard`);
      expect([shown.status, shown.redirected]).toEqual([200, true]);
      const lines = shown.headers.getSetCookie();
      expect(lines.map(name)).toEqual(["auth_login"]);
      expect(shown.headers.get("set-cookie")).toBe(lines[0]);
      expect(lines[0]).toMatch(/; Path=\/login; Max-Age=\d+; HttpOnly; Secure; SameSite=Lax$/);
      const form = page(await shown.text(), shown.url).formWith("password");
      return { cookie: pair(lines[0]!), fields: form.fields, action: form.action! };
    });
    const login = (headers: HeadersInit) => {
      const body = new URLSearchParams({ ...fields, username: vars.USER_EMAIL!, password: secrets.LOGIN_PASSWORD });
      return fetch(action, { method: "POST", body, headers, redirect: "manual" });
    };

    // Nothing was kept: without the cookie the form is refused.
    expect((await login({})).status).toBe(403);
    const answer = await step("sign in", () => login({ cookie }));
    expect([answer.status, answer.headers.get("location")]).toEqual([302, `${site}/dashboard`]);
    // Two lines stay two lines, also where they are iterated over.
    const lines = answer.headers.getSetCookie();
    expect(lines.map(name)).toEqual(["auth_session", "auth_login"]);
    expect(lines[1]).toContain("Max-Age=0");
    expect([...answer.headers].filter(([header]) => header === "set-cookie").map(([, line]) => line)).toEqual(lines);
    expect(answer.headers.get("set-cookie")).toBe(lines.join(", "));
    // What is copied is not tied to what it was copied from.
    const copy = new Headers(answer.headers);
    copy.append("set-cookie", "more=1");
    expect([copy.getSetCookie().length, answer.headers.getSetCookie().length]).toEqual([3, 2]);

    const session = pair(lines[0]!);
    const inside = await fetch(`${site}/dashboard`, { headers: [["cookie", `other=1; ${session}`]] });
    expect([inside.status, inside.redirected]).toEqual([200, false]);
    expect(await inside.text()).toContain(vars.USER_EMAIL!);
    // It goes along where a redirect stays on the site, and is sent to nobody afterwards.
    const started = await fetch(`${site}/login`, { headers: { cookie: session } });
    expect(started.redirected).toBe(true);
    const outside = await fetch(`${site}/dashboard`, { redirect: "manual" });
    expect(outside.status).toBe(302);
  },
});

// An administrator opens the dashboard.
//
// Notices: logins-fail, missing-security-headers on the dashboard, and slow, error, outage, drop and truncated-body on
// dashboard, login and logout.

import { check, defineCheck, expect, step } from "tocsin";
import { caching, checkSecurityHeaders } from "tocsin/http";
import { visitor } from "./auth-stack.ts";

export default defineCheck({
  description: "The dashboard asks for a login, shows its data, and forgets who signs out",
  schedule: "every 30s",
  timeout: "15s",
  tags: ["pages", "login"],
  secrets: ["LOGIN_PASSWORD"],
  runbook: "https://runbooks.tocsin.test/dashboard",

  async run({ vars, secrets }) {
    const browser = visitor({ vars });

    const form = await step("be sent to the login page", async () => {
      const login = (await browser.get("/dashboard")).expectStatus(200);
      expect(pathOf(login), "where a visitor without a session ends").not.toBe("/dashboard");
      return login.page().formWith("password");
    });

    await step("sign in and see the dashboard", async () => {
      const credentials = { username: vars.USER_EMAIL, password: secrets.LOGIN_PASSWORD };
      const dashboard = (await browser.submit(form, credentials)).expectStatus(200);
      const { text } = dashboard.page().find("body");
      expect(pathOf(dashboard), "where the login leads to").toBe("/dashboard");
      checkSecurityHeaders(dashboard);
      const { noStore, private: isPrivate } = caching(dashboard);
      expect(noStore || isPrivate, "the dashboard is kept from shared caches").toBe(true);
      check(text, "the page").toContain(vars.USER_EMAIL);
    });

    await step("sign out and be asked again", async () => {
      (await browser.get("/v2/logout")).expectStatus(200).page();
      const login = (await browser.get("/dashboard")).expectStatus(200);
      login.page().formWith("password");
    });
  },
});

function pathOf({ url }: { url: string }): string {
  return new URL(url).pathname;
}

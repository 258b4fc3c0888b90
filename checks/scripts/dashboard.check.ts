// An administrator opens the dashboard.
//
// Notices: logins-fail, missing-security-headers on the dashboard, and slow, error, outage, drop and truncated-body on
// dashboard, login and logout.

import { check, defineCheck, expect, step } from "tocsin";
import { checkSecurityHeaders, page } from "./http/answer.ts";
import { Browser } from "./http/browser.ts";
import { formWith } from "./http/form.ts";
import { Provider } from "./oidc/provider.ts";

export default defineCheck({
  description: "The dashboard asks for a login, shows its data, and forgets who signs out",
  schedule: "every 30s",
  timeout: "15s",
  tags: ["pages", "login"],
  secrets: ["LOGIN_PASSWORD"],
  runbook: "https://runbooks.tocsin.test/dashboard",

  async run({ vars, secrets }) {
    const provider = new Provider({ vars });
    const browser = new Browser(provider.issuer);
    const dashboard = new URL(provider.url("/dashboard"));

    const form = await step("be sent to the login page", async () => {
      const { response, url } = await browser.visit(dashboard);
      const html = await page(response);
      expect(url.pathname, "where a visitor without a session ends").not.toBe(dashboard.pathname);
      return formWith("password", html, url);
    });

    await step("sign in and see the dashboard", async () => {
      const credentials = { username: vars.USER_EMAIL, password: secrets.LOGIN_PASSWORD };
      const { response, url } = await browser.submit(form, credentials);
      const html = await page(response);
      expect(url.pathname, "where the login leads to").toBe(dashboard.pathname);
      checkSecurityHeaders(response);
      expect(response).toHaveHeader("cache-control", /no-store|private/);
      check(html.includes(vars.USER_EMAIL), "the page names who is signed in").toBe(true);
    });

    await step("sign out and be asked again", async () => {
      await page((await browser.visit(provider.url("/v2/logout"))).response);
      const { response, url } = await browser.visit(dashboard);
      formWith("password", await page(response), url);
    });
  },
});

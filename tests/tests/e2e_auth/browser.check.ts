// A browser's whole way: discovery, the login form, the code with PKCE, the ID token, userinfo and the refresh.
import { defineCheck, expect, step } from "tocsin";
import { discover } from "tocsin/auth";
import { agent, checkCookieFlags, checkSecurityHeaders } from "tocsin/http";

export default defineCheck({
  schedule: "every 30s",
  timeout: "30s",
  secrets: ["LOGIN_PASSWORD", "NATIVE_SECRET"],
  async run({ vars, secrets }) {
    const browser = agent({ baseUrl: vars.AUTH_URL! });
    const idp = await discover(browser.url("/"), { agent: agent({ baseUrl: vars.AUTH_URL! }) });
    const redirectUri = browser.url("/callback");
    for (const client of [idp.client({ id: "tocsin-spa" }), idp.client({ id: "tocsin-native", secret: secrets.NATIVE_SECRET })]) {
      await step(client.id, async () => {
        const request = await client.authorization({ redirectUri, scope: "openid email offline_access", prompt: "login" });
        const fields = { username: vars.USER_EMAIL!, password: secrets.LOGIN_PASSWORD };
        const callback = await client.signIn(request, { agent: browser, fields });
        const tokens = await client.redeem(request, callback);
        const { sub } = await client.verifyIdToken(tokens, { nonce: request.nonce, required: ["at_hash", "auth_time"] });
        await idp.userinfo(tokens.access_token, { subject: sub });
        await client.expectRotation(tokens.refresh_token!);
        await client.expectRefused(request.redemption(request.code(callback)), "invalid_grant", "a code that was used");
      });
    }
    await step("a wrong password", async () => {
      const client = idp.client({ id: "tocsin-spa" });
      const request = await client.authorization({ redirectUri });
      const fields = { username: vars.USER_EMAIL!, password: "wrong" };
      const failure = await client.signIn(request, { agent: agent({ baseUrl: vars.AUTH_URL! }), fields }).catch((error) => error);
      expect(failure.message).toMatch(/^the login page .*\/login \(401\) is there again/);
    });
    await step("the session", async () => {
      const dashboard = (await browser.get("/dashboard")).expectStatus(200);
      checkSecurityHeaders(dashboard);
      expect(dashboard.page().find("#totals").text).toMatch(/accounts/);
      expect(dashboard.page().link("Log out").url).toBe(browser.url("/v2/logout"));
      const session = browser.cookies.for(browser.url("/")).find(({ name }) => name === "auth_session");
      checkCookieFlags(session!);
      await browser.get("/v2/logout");
      expect((await browser.get("/dashboard", { redirects: false })).next?.pathname).toBe("/login");
    });
  },
});

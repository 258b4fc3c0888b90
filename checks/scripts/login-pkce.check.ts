// A single-page application signs a user in: authorization code with PKCE, through the login page, with cookies.
//
// Notices: logins-fail, wrong-state, wrong-nonce, wrong-issuer, wrong-audience, expired-token, future-token,
// bad-signature, expired-key, missing-jwks-key, pkce-ignored, insecure-cookie, missing-security-headers on the login
// page, and slow, error, outage, drop and truncated-body on authorize, login, token and JWKS.

import { check, defineCheck, expect, step } from "tocsin";
import { checkCookieFlags, checkSecurityHeaders } from "tocsin/http";
import { FRESH, stack } from "./auth-stack.ts";

export default defineCheck({
  description: "A user signs in to a web application through the login page",
  schedule: "every 30s",
  timeout: "20s",
  tags: ["login", "critical"],
  secrets: ["LOGIN_PASSWORD"],
  runbook: "https://runbooks.tocsin.test/login-pkce",

  async run({ vars, secrets }) {
    const provider = stack({ vars });
    const browser = provider.agent;
    const client = provider.client({ id: vars.SPA_CLIENT_ID! });
    const login = { redirectUri: browser.url("/callback"), scope: "openid profile email" };

    const request = await client.authorization(login);

    const form = await step("open the login page", async () => {
      const answer = (await browser.get(request.url)).expectStatus(200);
      checkSecurityHeaders(answer);
      return answer.page().formWith("password");
    });

    const callback = await step("sign in", async () => {
      const credentials = { username: vars.USER_EMAIL!, password: secrets.LOGIN_PASSWORD };
      const answer = await browser.submit(form, credentials, { until: request.isCallback });
      // A refused password shows the login page again instead of leading back to the application.
      expect(answer, "the answer to the login form").toHaveStatus([302, 303]);
      check(answer.cookies, "the cookies that the login sets").not.toHaveLength(0);
      for (const cookie of answer.cookies) checkCookieFlags(cookie);
      return answer.next;
    });

    const tokens = await step("redeem the code", () => client.redeem(request, callback));

    await step("verify the ID token", () =>
      client.verifyIdToken(tokens, { nonce: request.nonce, claims: { email: vars.USER_EMAIL }, ...FRESH }),
    );

    // The session's cookie brings a second code without the login page. Somebody who stole it has no verifier.
    await step("refuse a code without its verifier", async () => {
      const second = await client.authorization(login);
      const { next } = await browser.get(second.url, { until: second.isCallback });
      await client.expectRefused(
        { ...second.redemption(second.code(next)), code_verifier: request.verifier },
        "invalid_grant",
        "a code with another request's verifier",
      );
    });
  },
});

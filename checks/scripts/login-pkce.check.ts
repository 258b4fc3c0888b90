// A single-page application signs a user in: authorization code with PKCE, through the login page, with cookies.
//
// Notices: logins-fail, wrong-state, wrong-nonce, wrong-issuer, wrong-audience, expired-token, future-token,
// bad-signature, expired-key, missing-jwks-key, pkce-ignored, insecure-cookie, missing-security-headers on the login
// page, and slow, error, outage, drop and truncated-body on authorize, login, token and JWKS.

import { AssertionError, check, defineCheck, expect, step } from "tocsin";
import { checkSecurityHeaders, page } from "./http/answer.ts";
import { Browser } from "./http/browser.ts";
import { formWith } from "./http/form.ts";
import { authorizationRequest, codeOf, isCallback, sha256 } from "./oidc/authorization.ts";
import { decode, expectClaims, expectSignature, publishedKeys, toBase64url } from "./oidc/jwt.ts";
import { Provider } from "./oidc/provider.ts";

export default defineCheck({
  description: "A user signs in to a web application through the login page",
  schedule: "every 30s",
  timeout: "20s",
  tags: ["login", "critical"],
  secrets: ["LOGIN_PASSWORD"],
  runbook: "https://runbooks.tocsin.test/login-pkce",

  async run({ vars, secrets }) {
    const provider = new Provider({ vars });
    const browser = new Browser(provider.issuer);
    const client = {
      clientId: vars.SPA_CLIENT_ID,
      redirectUri: provider.url("/callback"),
      scope: "openid profile email",
    };
    const redemption = {
      grant_type: "authorization_code",
      client_id: client.clientId,
      redirect_uri: client.redirectUri,
    };

    const request = await authorizationRequest(provider, client);

    const form = await step("open the login page", async () => {
      const { response, url } = await browser.visit(request.url);
      const html = await page(response);
      checkSecurityHeaders(response);
      return formWith("password", html, url);
    });

    const code = await step("sign in", async () => {
      const credentials = { username: vars.USER_EMAIL, password: secrets.LOGIN_PASSWORD };
      const { response, url, cookies } = await browser.submit(form, credentials, isCallback(request));
      // A refused password shows the login page again instead of leading back to the application.
      expect(response, "the answer to the login form").toHaveStatus([302, 303]);
      check(cookies, "the cookies that the login sets").not.toHaveLength(0);
      for (const { name, httpOnly, secure, sameSite } of cookies) {
        check({ httpOnly, secure, sameSite }, `the flags of cookie ${name}`).toEqual({
          httpOnly: true,
          secure: true,
          sameSite: expect.stringMatching(/^(lax|strict)$/),
        });
      }
      return codeOf(url, request, provider.issuer);
    });

    const tokens = await step("redeem the code", () =>
      provider.tokens({ ...redemption, code, code_verifier: request.verifier }),
    );

    await step("verify the ID token", async () => {
      const token = decode(tokens.id_token, "ID token");
      await expectSignature(token, await publishedKeys(provider.url("/.well-known/jwks.json")), "ID token");
      expectClaims(token, { issuer: provider.issuer, audience: client.clientId }, "ID token");
      if (token.claims.nonce !== request.nonce)
        throw new AssertionError("the ID token carries another nonce than the one that was sent");
      expect(token.claims.email, "e-mail address in the ID token").toBe(vars.USER_EMAIL);
      if (token.claims.at_hash !== undefined) {
        const half = (await sha256(tokens.access_token)).slice(0, 16);
        expect(token.claims.at_hash, "at_hash of the ID token").toBe(toBase64url(half));
      }
    });

    // The session's cookie brings a second code without the login page. Somebody who stole it has no verifier.
    await step("refuse a code without its verifier", async () => {
      const second = await authorizationRequest(provider, client);
      const { response, url } = await browser.visit(second.url, { until: isCallback(second) });
      expect(response, "the answer to a user with a session").toHaveStatus([302, 303]);
      const stolen = codeOf(url, second, provider.issuer);
      await provider.refusal(
        { ...redemption, code: stolen, code_verifier: request.verifier },
        "invalid_grant",
        "the answer to a code with another request's verifier",
      );
    });
  },
});

// Native clients sign a user in with the password grant.
//
// Notices: logins-fail, slow, error, outage, drop and truncated-body on the token endpoint, wrong-issuer,
// wrong-audience, expired-token, future-token. That the signature verifies is token-signature's question.

import { defineCheck, expect, log, step } from "tocsin";
import { decode, expectClaims } from "./oidc/jwt.ts";
import { passwordGrant, Provider } from "./oidc/provider.ts";

export default defineCheck({
  description: "A user signs in with e-mail and password, and a wrong password is refused",
  schedule: "every 30s",
  timeout: "10s",
  tags: ["login", "critical"],
  secrets: ["LOGIN_PASSWORD", "NATIVE_SECRET"],
  runbook: "https://runbooks.tocsin.test/login-password",

  async run(ctx) {
    const provider = new Provider(ctx);
    const grant = passwordGrant(ctx, "openid profile email");

    const tokens = await step("sign in", () => provider.tokens(grant));

    await step("read the ID token", () => {
      const token = decode(tokens.id_token, "ID token");
      expectClaims(token, { issuer: provider.issuer, audience: ctx.vars.NATIVE_CLIENT_ID }, "ID token");
      expect(token.claims.email, "e-mail address in the ID token").toBe(ctx.vars.USER_EMAIL);
      log("signed in", { subject: token.claims.sub, expires_in: tokens.expires_in });
    });

    // A door that opens for every key is as broken as one that opens for none. The name belongs to nobody, so that no
    // lock-out after failed attempts ever hits the watched user.
    await step("refuse a wrong password", () =>
      provider.refusal(
        { ...grant, username: "nobody@tocsin.test", password: "not-the-password" },
        "invalid_grant",
        "the answer to a wrong password",
      ),
    );
  },
});

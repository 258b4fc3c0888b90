// Native clients sign a user in with the password grant.
//
// Notices: logins-fail, slow, error, outage, drop and truncated-body on the token endpoint, wrong-issuer,
// wrong-audience, expired-token, future-token. That the signature verifies is token-signature's question.

import { defineCheck, expect, log, step } from "tocsin";
import { expectClaims } from "tocsin/auth";
import { FRESH, nativeClient, stack } from "./auth-stack.ts";

export default defineCheck({
  description: "A user signs in with e-mail and password, and a wrong password is refused",
  schedule: "every 30s",
  timeout: "10s",
  tags: ["login", "critical"],
  secrets: ["LOGIN_PASSWORD", "NATIVE_SECRET"],
  runbook: "https://runbooks.tocsin.test/login-password",

  async run(ctx) {
    const client = nativeClient(ctx);
    const user = { username: ctx.vars.USER_EMAIL!, password: ctx.secrets.LOGIN_PASSWORD, scope: "openid profile email" };

    const tokens = await step("sign in", () => client.password(user));

    await step("read the ID token", () => {
      const { sub } = expectClaims(tokens.id_token, {
        what: "ID token",
        issuer: stack(ctx).issuer,
        audience: client.id,
        claims: { email: user.username },
        ...FRESH,
      });
      expect(tokens.expires_in, "seconds that the access token is good for").toBeGreaterThan(60);
      log("signed in", { subject: sub, expires_in: tokens.expires_in });
    });

    // A door that opens for every key is as broken as one that opens for none. The name belongs to nobody, so that no
    // lock-out after failed attempts ever hits the watched user.
    await step("refuse a wrong password", () =>
      client.expectRefused(
        { grant_type: "password", ...user, username: "nobody@tocsin.test", password: "not-the-password" },
        "invalid_grant",
        "a wrong password",
      ),
    );
  },
});

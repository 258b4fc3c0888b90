// Applications ask who is signed in.
//
// Notices: userinfo-mismatch, logins-fail, every fault that makes an access token useless (wrong-issuer,
// wrong-audience, expired-token, future-token, expired-key, bad-signature), and slow, error, outage, drop and
// truncated-body on the token endpoint and userinfo.

import { check, defineCheck, expect, step } from "tocsin";
import { expectClaims } from "tocsin/auth";
import { FRESH, nativeClient, stack } from "./auth-stack.ts";

export default defineCheck({
  description: "Userinfo says who is signed in, and says it to nobody else",
  schedule: "every 30s",
  timeout: "10s",
  tags: ["login", "profile"],
  secrets: ["LOGIN_PASSWORD", "NATIVE_SECRET"],
  runbook: "https://runbooks.tocsin.test/userinfo",

  async run(ctx) {
    const provider = stack(ctx);
    const url = provider.endpoint("userinfo_endpoint");

    const client = nativeClient(ctx);
    const { access_token, id_token } = await step("sign in", () =>
      client.password({
        username: ctx.vars.USER_EMAIL!,
        password: ctx.secrets.LOGIN_PASSWORD,
        scope: "openid profile email",
      }),
    );

    await step("ask who is signed in", async () => {
      const { sub } = expectClaims(id_token, {
        what: "ID token",
        issuer: provider.issuer,
        audience: client.id,
        ...FRESH,
      });
      const user = await provider.userinfo(access_token, { subject: sub });
      expect(user.email, "e-mail address in userinfo").toBe(ctx.vars.USER_EMAIL);
      check(user).toHaveProperty("name");
    });

    await step("tell nobody else", async () => {
      const authorization = `Bearer ${access_token.slice(0, -8)}AAAAAAAA`;
      const without = await provider.agent.get(url);
      const forged = await provider.agent.get(url, { headers: { authorization } });
      expect(without, "the answer without a token").toHaveStatus(401);
      expect(without, "the answer without a token").toHaveHeader("www-authenticate", /^Bearer\b/i);
      expect(forged, "the answer to a forged token").toHaveStatus(401);
    });
  },
});

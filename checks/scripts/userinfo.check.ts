// Applications ask who is signed in.
//
// Notices: userinfo-mismatch, logins-fail, every fault that makes an access token useless (wrong-issuer,
// wrong-audience, expired-token, future-token, expired-key, bad-signature), and slow, error, outage, drop and
// truncated-body on the token endpoint and userinfo.

import { check, defineCheck, expect, step } from "tocsin";
import { json } from "./http/answer.ts";
import { decode } from "./oidc/jwt.ts";
import { passwordGrant, Provider } from "./oidc/provider.ts";

export default defineCheck({
  description: "Userinfo says who is signed in, and says it to nobody else",
  schedule: "every 30s",
  timeout: "10s",
  tags: ["login", "profile"],
  secrets: ["LOGIN_PASSWORD", "NATIVE_SECRET"],
  runbook: "https://runbooks.tocsin.test/userinfo",

  async run(ctx) {
    const provider = new Provider(ctx);
    const url = provider.url("/userinfo");
    const ask = (token: string) => fetch(url, { headers: { authorization: `Bearer ${token}` } });

    const { access_token, id_token } = await step("sign in", () =>
      provider.tokens(passwordGrant(ctx, "openid profile email")),
    );

    await step("ask who is signed in", async () => {
      const user = await json(await ask(access_token));
      // Whoever takes another's answer for its own signs the wrong user in (OpenID Connect Core, section 5.3.2).
      expect(user.sub, "subject in userinfo").toBe(decode(id_token, "ID token").claims.sub);
      expect(user.email, "e-mail address in userinfo").toBe(ctx.vars.USER_EMAIL);
      check(user).toHaveProperty("name");
    });

    await step("tell nobody else", async () => {
      const [without, forged] = await Promise.all([fetch(url), ask(`${access_token.slice(0, -8)}AAAAAAAA`)]);
      expect(without, "the answer without a token").toHaveStatus(401);
      expect(without, "the answer without a token").toHaveHeader("www-authenticate", /^Bearer\b/i);
      expect(forged, "the answer to a forged token").toHaveStatus(401);
    });
  },
});

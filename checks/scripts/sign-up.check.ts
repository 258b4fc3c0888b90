// A new user registers and can sign in at once.
//
// Notices: logins-fail, wrong-issuer, wrong-audience, expired-token, future-token, and slow, error, outage, drop and
// truncated-body on sign-up and the token endpoint.
//
// Every run leaves a user behind, `sign-up-UUID@tocsin.test`: a job on the provider's side removes them.

import { defineCheck, expect, step } from "tocsin";
import { json } from "./http/answer.ts";
import { decode, expectClaims } from "./oidc/jwt.ts";
import { passwordGrant, Provider } from "./oidc/provider.ts";

export default defineCheck({
  description: "A new user registers, and can sign in at once",
  schedule: "every 10m",
  timeout: "15s",
  tags: ["login", "sign-up"],
  secrets: ["LOGIN_PASSWORD", "NATIVE_SECRET"],
  runbook: "https://runbooks.tocsin.test/sign-up",

  async run(ctx) {
    const provider = new Provider(ctx);
    const user = { email: `sign-up-${crypto.randomUUID()}@tocsin.test`, password: `${crypto.randomUUID()}-Aa1!` };

    const register = () =>
      fetch(provider.url("/dbconnections/signup"), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          client_id: ctx.vars.NATIVE_CLIENT_ID,
          connection: "Username-Password-Authentication",
          ...user,
        }),
      });

    await step("register", async () => {
      expect((await json(await register(), [200, 201])).email, "registered e-mail address").toBe(user.email);
    });

    await step("sign in", async () => {
      const grant = passwordGrant(ctx, "openid email");
      const tokens = await provider.tokens({ ...grant, username: user.email, password: user.password });
      const token = decode(tokens.id_token, "ID token");
      expectClaims(token, { issuer: provider.issuer, audience: ctx.vars.NATIVE_CLIENT_ID }, "ID token");
      expect(token.claims.email, "e-mail address in the ID token").toBe(user.email);
    });

    await step("refuse the same address twice", async () => {
      expect(await register(), "the answer to an address that is taken").toHaveStatus([400, 409]);
    });
  },
});

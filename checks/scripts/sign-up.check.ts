// A new user registers and can sign in at once.
//
// Notices: logins-fail, wrong-issuer, wrong-audience, expired-token, future-token, and slow, error, outage, drop and
// truncated-body on sign-up and the token endpoint.
//
// Every run leaves a user behind, `sign-up-UUID@tocsin.test`: a job on the provider's side removes them.

import { defineCheck, expect, step } from "tocsin";
import { expectClaims } from "tocsin/auth";
import { FRESH, nativeClient, stack } from "./auth-stack.ts";

export default defineCheck({
  description: "A new user registers, and can sign in at once",
  schedule: "every 10m",
  timeout: "15s",
  tags: ["login", "sign-up"],
  secrets: ["LOGIN_PASSWORD", "NATIVE_SECRET"],
  runbook: "https://runbooks.tocsin.test/sign-up",

  async run(ctx) {
    const { issuer, agent: site } = stack(ctx);
    const client = nativeClient(ctx);
    const user = { email: `sign-up-${crypto.randomUUID()}@tocsin.test`, password: `${crypto.randomUUID()}-Aa1!` };

    const register = () =>
      site.post("/dbconnections/signup", {
        json: { client_id: client.id, connection: "Username-Password-Authentication", ...user },
      });

    await step("register", async () => {
      const registered = (await register()).expectStatus([200, 201]);
      expect(registered.json("email"), "registered e-mail address").toBe(user.email);
    });

    await step("sign in", async () => {
      const tokens = await client.password({ username: user.email, password: user.password, scope: "openid email" });
      expectClaims(tokens.id_token, {
        what: "ID token",
        issuer,
        audience: client.id,
        claims: { email: user.email },
        ...FRESH,
      });
    });

    await step("refuse the same address twice", async () => {
      expect(await register(), "the answer to an address that is taken").toHaveStatus([400, 409]);
    });
  },
});

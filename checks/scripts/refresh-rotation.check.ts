// A native client stays signed in: each refresh token is good once and brings the next.
//
// Notices: no-refresh, refresh-refused, refresh-not-rotated, logins-fail, wrong-issuer, wrong-audience, expired-token,
// future-token, and slow, error, outage, drop and truncated-body on the token endpoint.

import { AssertionError, defineCheck, step } from "tocsin";
import { expectClaims, type Tokens } from "tocsin/auth";
import { FRESH, nativeClient, stack } from "./auth-stack.ts";

export default defineCheck({
  description: "A signed-in user stays signed in, and a refresh token that leaked is worthless once it was used",
  schedule: "every 30s",
  timeout: "10s",
  tags: ["login", "tokens"],
  secrets: ["LOGIN_PASSWORD", "NATIVE_SECRET"],
  runbook: "https://runbooks.tocsin.test/refresh-rotation",

  async run(ctx) {
    const client = nativeClient(ctx);

    const first = await step("sign in", async () =>
      refreshTokenOf(
        await client.password({
          username: ctx.vars.USER_EMAIL!,
          password: ctx.secrets.LOGIN_PASSWORD,
          scope: "openid offline_access",
        }),
      ),
    );

    const second = await step("refresh", async () => {
      const tokens = await client.refresh(first);
      expectClaims(tokens.id_token, {
        what: "refreshed ID token",
        issuer: stack(ctx).issuer,
        audience: client.id,
        ...FRESH,
      });
      return refreshTokenOf(tokens);
    });

    await step("refresh again, and refuse the used token", () => client.expectRotation(second));
  },
});

function refreshTokenOf({ refresh_token }: Tokens): string {
  if (!refresh_token)
    throw new AssertionError("no refresh token came with the tokens, and offline_access was asked for");
  return refresh_token;
}

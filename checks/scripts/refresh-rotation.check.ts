// A native client stays signed in: each refresh token is good once and brings the next.
//
// Notices: no-refresh, refresh-refused, refresh-not-rotated, logins-fail, wrong-issuer, wrong-audience, expired-token,
// future-token, and slow, error, outage, drop and truncated-body on the token endpoint.

import { AssertionError, defineCheck, step } from "tocsin";
import { decode, expectClaims } from "./oidc/jwt.ts";
import { passwordGrant, Provider, type Tokens } from "./oidc/provider.ts";

export default defineCheck({
  description: "A signed-in user stays signed in, and a refresh token that leaked is worthless once it was used",
  schedule: "every 30s",
  timeout: "10s",
  tags: ["login", "tokens"],
  secrets: ["LOGIN_PASSWORD", "NATIVE_SECRET"],
  runbook: "https://runbooks.tocsin.test/refresh-rotation",

  async run(ctx) {
    const provider = new Provider(ctx);
    const refreshGrant = (token: string) => ({
      grant_type: "refresh_token",
      client_id: ctx.vars.NATIVE_CLIENT_ID,
      client_secret: ctx.secrets.NATIVE_SECRET,
      refresh_token: token,
    });

    const first = await step("sign in", async () => {
      return refreshTokenOf(await provider.tokens(passwordGrant(ctx, "openid offline_access")));
    });

    const second = await step("refresh", async () => {
      const tokens = await provider.tokens(refreshGrant(first));
      const token = decode(tokens.id_token, "refreshed ID token");
      expectClaims(token, { issuer: provider.issuer, audience: ctx.vars.NATIVE_CLIENT_ID }, "refreshed ID token");
      return refreshTokenOf(tokens);
    });
    // Compared here and not in a matcher: a failure must not quote tokens.
    if (second === first)
      throw new AssertionError("the refresh brings the same refresh token again: a leaked one stays good");

    await step("refresh again", async () => refreshTokenOf(await provider.tokens(refreshGrant(second))));

    // Last, since it may end the whole family of tokens (RFC 9700, section 4.14.2).
    await step("refuse the used token", () =>
      provider.refusal(refreshGrant(first), "invalid_grant", "the answer to a refresh token that was used before"),
    );
  },
});

function refreshTokenOf({ refresh_token }: Tokens): string {
  if (!refresh_token)
    throw new AssertionError("no refresh token came with the tokens, and offline_access was asked for");
  return refresh_token;
}

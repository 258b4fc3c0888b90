// A refresh token is good once and brings the next.
import { defineCheck, expect } from "tocsin";
import { provider } from "tocsin/auth";
import { METADATA, NO_STORE, serve, TOKENS } from "./modules/provider.ts";
import { told } from "../modules/told.ts";

const client = provider(METADATA).client({ id: "native" });
const INVALID = { status: 400, json: { error: "invalid_grant" } };

/** What the provider answers to the first refresh, to the second, and to the used token. */
function rotates(...answers: { status?: number; json?: unknown }[]) {
  return async () => {
    const left = [...answers];
    serve(() => ({ headers: NO_STORE, ...left.shift()! }));
    await client.expectRotation("secret-1");
    return "rotates";
  };
}
const bringing = (refresh_token?: string) => ({ json: { ...TOKENS, refresh_token } });

export default defineCheck({
  schedule: "every 30s",
  async run() {
    await told({
      "as it should be": rotates(bringing("secret-2"), bringing("secret-3"), INVALID),
      "the same token again": rotates(bringing("secret-1")),
      "no token": rotates(bringing()),
      "no second token": rotates(bringing("secret-2"), bringing()),
      "the first refresh is refused": rotates(INVALID),
      "the used token is good": rotates(bringing("secret-2"), bringing("secret-3"), bringing("secret-4")),
    });
    serve(() => ({ headers: NO_STORE, ...bringing("secret-9") }));
    expect((await client.refresh("secret-8", { scope: "openid" })).refresh_token).toBe("secret-9");
  },
});

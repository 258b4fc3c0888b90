// The stack under watch: where it is, what its clients are called, and how fast it must answer.

import type { CheckContext } from "tocsin";
import { type Client, provider, type Provider } from "tocsin/auth";
import { type Agent, agent } from "tocsin/http";

/** A person who signs in has waited for several answers of this length. */
const FIRST_BYTE_MS_MAX = 2500;

/** A token is made for now: one that is older comes from somewhere else, and one that ends soon is of no use. */
export const FRESH = { maxAgeS: 30, validForS: 60 } as const;

type Vars = Pick<CheckContext, "vars">;

/** A visitor of the site. Follows no redirect to another one: a password must not travel there. */
export function visitor({ vars }: Vars): Agent {
  return agent({ baseUrl: vars.AUTH_URL, firstByteMsMax: FIRST_BYTE_MS_MAX });
}

/** The provider as clients were built against it. Only the check `discovery` asks whether it still says so itself. */
export function stack(context: Vars): Provider {
  const site = visitor(context);
  return provider(
    {
      issuer: site.url("/"),
      authorization_endpoint: site.url("/authorize"),
      token_endpoint: site.url("/oauth/token"),
      userinfo_endpoint: site.url("/userinfo"),
      device_authorization_endpoint: site.url("/oauth/device/code"),
      jwks_uri: site.url("/.well-known/jwks.json"),
    },
    { agent: site },
  );
}

/** The native client, which signs a user in by itself. */
export function nativeClient(context: Vars & { secrets: { readonly NATIVE_SECRET: string } }): Client {
  const { vars, secrets } = context;
  return stack(context).client({
    id: vars.NATIVE_CLIENT_ID!,
    secret: secrets.NATIVE_SECRET,
    method: "client_secret_post",
  });
}

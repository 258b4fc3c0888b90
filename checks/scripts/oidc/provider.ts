// The provider under watch, and its token endpoint (RFC 6749).

import { type CheckContext, expect } from "tocsin";
import { json } from "../http/answer.ts";

export interface Tokens {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly id_token?: string;
  readonly refresh_token?: string;
  readonly scope?: string;
}

export class Provider {
  /** As tokens and discovery must name it, with the slash at its end. */
  readonly issuer: string;

  constructor({ vars }: Pick<CheckContext, "vars">) {
    this.issuer = new URL("/", vars.AUTH_URL).href;
  }

  url(path: string): string {
    return new URL(path, this.issuer).href;
  }

  /** Asks the token endpoint, as a form with the client's own fields in it. */
  askForTokens(fields: Record<string, string>): Promise<Response> {
    return fetch(this.url("/oauth/token"), {
      method: "POST",
      headers: { accept: "application/json" },
      body: new URLSearchParams(fields),
    });
  }

  /** Tokens for a grant that must succeed. */
  async tokens(fields: Record<string, string>): Promise<Tokens> {
    const response = await this.askForTokens(fields);
    const tokens = await json(response);
    expect(tokens, "the token answer").toMatchObject({
      access_token: expect.stringMatching(/./),
      token_type: expect.stringMatching(/^Bearer$/i),
      expires_in: expect.any(Number),
    });
    expect(tokens.expires_in, "seconds that the access token is good for").toBeGreaterThan(60);
    // A token that a proxy keeps is somebody else's token one day (RFC 6749, section 5.1).
    expect(response).toHaveHeader("cache-control", /no-store/);
    return tokens;
  }

  /** A grant that must be refused, with this error. The answer is not quoted: where it is wrong, it holds tokens. */
  async refusal(fields: Record<string, string>, error: string, what: string): Promise<void> {
    const response = await this.askForTokens(fields);
    const body = await response.text();
    expect(response, what).toHaveStatus([400, 401, 403]);
    expect(body, what).toContain(`"${error}"`);
  }
}

/** The fields of the password grant for the native client and the watched user. */
export function passwordGrant(
  { vars, secrets }: CheckContext<"LOGIN_PASSWORD" | "NATIVE_SECRET">,
  scope: string,
): Record<string, string> {
  return {
    grant_type: "password",
    client_id: vars.NATIVE_CLIENT_ID,
    client_secret: secrets.NATIVE_SECRET,
    username: vars.USER_EMAIL,
    password: secrets.LOGIN_PASSWORD,
    scope,
  };
}

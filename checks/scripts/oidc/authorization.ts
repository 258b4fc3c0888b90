// The authorization code flow with PKCE (RFC 6749, section 4.1; RFC 7636), as a single-page application runs it.

import { AssertionError, expect } from "tocsin";
import { toBase64url } from "./jwt.ts";
import type { Provider } from "./provider.ts";

/** One request for authorization: what was sent, and what must come back. */
export interface AuthorizationRequest {
  readonly url: URL;
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export async function authorizationRequest(
  provider: Provider,
  { clientId, redirectUri, scope }: { clientId: string; redirectUri: string; scope: string },
): Promise<AuthorizationRequest> {
  const [state, nonce, verifier] = [random(), random(), random()];
  const url = new URL(provider.url("/authorize"));
  url.search = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope,
    state,
    nonce,
    code_challenge: toBase64url(await sha256(verifier)),
    code_challenge_method: "S256",
  }).toString();
  return { url, redirectUri, state, nonce, verifier };
}

/** Whether a redirect leads back to the client. */
export function isCallback(request: AuthorizationRequest): (url: URL) => boolean {
  return (url) => url.href.split(/[?#]/)[0] === request.redirectUri;
}

/** The code of a redirect to the client, which must answer this request and no other. */
export function codeOf(callback: URL, request: AuthorizationRequest, issuer: string): string {
  const answer = callback.searchParams;
  if (answer.has("error")) {
    throw new AssertionError(
      `the provider refused: ${answer.get("error")}, ${answer.get("error_description") ?? "no description"}`,
    );
  }
  if (answer.get("state") !== request.state)
    throw new AssertionError("the redirect carries another state than the one that was sent");
  // Absent where the provider does not implement RFC 9207.
  if (answer.has("iss")) expect(answer.get("iss"), "issuer in the redirect").toBe(issuer);
  const code = answer.get("code");
  if (!code) throw new AssertionError("the redirect carries no code");
  return code;
}

export async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** 256 random bits. */
function random(): string {
  return toBase64url(crypto.getRandomValues(new Uint8Array(32)));
}

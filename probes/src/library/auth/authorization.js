// The authorization code flow with PKCE (RFC 6749, section 4.1; RFC 7636), as a browser and an application run it.

import { AssertionError } from "../assertion_error.js";
import { inline } from "../format.js";
import { misuse } from "../host.js";
import { placeOf } from "../http/answer.js";
import { withoutTokens } from "../http/tokens.js";
import { hash, random, toBase64url } from "./base64url.js";

const PAGES_MAX = 5;
const SAID_CHARACTERS_MAX = 200;

export async function authorizationRequest(provider, clientId, { redirectUri, scope = "openid", ...more } = {}) {
  if (typeof redirectUri !== "string") throw misuse('authorization takes a redirectUri: client.authorization({ redirectUri: "https://app.test/callback" })');
  const [state, nonce, verifier] = [random(), random(), random()];
  const url = new URL(provider.endpoint("authorization_endpoint"));
  const parameters = {
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope,
    state,
    nonce,
    code_challenge: toBase64url(await hash("SHA-256", verifier)),
    code_challenge_method: "S256",
    ...more,
  };
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
  return new AuthorizationRequest(provider.issuer, { url: url.href, redirectUri, state, nonce, verifier });
}

/** One request for a code: what was sent, and what must come back. */
class AuthorizationRequest {
  #issuer;

  constructor(issuer, parts) {
    this.#issuer = issuer;
    Object.assign(this, parts);
    // A method that is handed over as it is: `agent.get(request.url, { until: request.isCallback })`.
    this.isCallback = (url) => String(url).split(/[?#]/)[0] === this.redirectUri.split(/[?#]/)[0];
    Object.freeze(this);
  }

  /** The code of a redirect to the client, which must answer this request and no other. */
  code(callback) {
    if (callback === undefined || !this.isCallback(callback)) {
      throw new AssertionError(`the browser is sent to ${callback === undefined ? "no other page" : placeOf(callback)}, and not back to ${this.redirectUri}`);
    }
    const answer = new URL(callback).searchParams;
    if (answer.has("error")) {
      const said = withoutTokens(answer.get("error_description") ?? "no description").slice(0, SAID_CHARACTERS_MAX);
      throw new AssertionError(`the provider refused the login: ${answer.get("error").slice(0, 60)}, ${said}`);
    }
    if (answer.get("state") !== this.state) throw new AssertionError("the redirect carries another state than the one that was sent");
    // Absent where the provider does not implement RFC 9207.
    if (answer.has("iss") && answer.get("iss") !== this.#issuer) {
      throw new AssertionError(`the issuer (iss) of the redirect: expected ${inline(this.#issuer)}, got ${inline(answer.get("iss"), 200)}`);
    }
    const code = answer.get("code");
    if (!code) throw new AssertionError("the redirect carries no code");
    return code;
  }

  /** The grant that redeems a code. */
  redemption(code) {
    return { grant_type: "authorization_code", code, redirect_uri: this.redirectUri, code_verifier: this.verifier };
  }
}

/** Through one or more login pages, each with some of the fields. */
export async function signIn(provider, request, { agent = provider.agent, fields, ...other } = {}) {
  if (fields === null || typeof fields !== "object" || Object.keys(other).length > 0) {
    throw misuse('signIn takes the fields of the login page: client.signIn(request, { fields: { username, password } })');
  }
  const until = request.isCallback;
  const left = new Map(Object.entries(fields));
  let answer = await agent.get(request.url, { until, headers: { accept: "text/html" } });
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    if (answer.next !== undefined && request.isCallback(answer.next)) return answer.next;
    const place = `${placeOf(answer.url)} (${answer.status})`;
    // A refused password shows the login page again, with another status or the same.
    if (left.size === 0) throw new AssertionError(`the login page ${place} is there again after it was filled in, instead of the way back to the application`);
    const form = answer.expectStatus([200, 401]).page().forms.find(({ controls }) => controls.some(({ name }) => left.has(name)));
    if (form === undefined) throw new AssertionError(`the page ${place} has no form with a field ${[...left.keys()].map((name) => `\`${name}\``).join(" or ")}`);
    const filled = {};
    for (const { name } of form.controls) {
      if (!left.has(name)) continue;
      filled[name] = left.get(name);
    }
    for (const name of Object.keys(filled)) left.delete(name);
    answer = await agent.submit(form, filled, { until, headers: { accept: "text/html" } });
  }
  throw new AssertionError(`more than ${PAGES_MAX} login pages, the last ${placeOf(answer.url)}`);
}

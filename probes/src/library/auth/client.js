// A client at the token endpoint (RFC 6749): the grants, and the ways to prove which client asks.

import { AssertionError } from "../assertion_error.js";
import { inline } from "../format.js";
import { isObject, misuse } from "../host.js";
import { parseJson } from "../http/answer.js";
import { locate } from "../http/located.js";
import { withoutTokens } from "../http/tokens.js";
import { authorizationRequest, signIn } from "./authorization.js";
import { random } from "./base64url.js";
import { DeviceAuthorization } from "./device.js";
import { signJwt, verifyJwt } from "./jwt.js";

const CREDENTIALS = ["id", "secret", "method", "key", "algorithm", "kid", "assertionAudience"];
const METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
const ASSERTION_LIFETIME_S = 60;
const SAID_CHARACTERS_MAX = 200;

/** What a token endpoint says of a refusal (RFC 6749, section 5.2), for a person. */
export function refusalOf(answer) {
  let said;
  try {
    said = JSON.parse(answer.text);
  } catch {
    return `${answer.status}, without an OAuth error`;
  }
  const text = (value) => (typeof value === "string" ? withoutTokens(value).slice(0, SAID_CHARACTERS_MAX) : undefined);
  const [error, description] = [text(said?.error), text(said?.error_description)];
  return [`${answer.status} ${error ?? "without an OAuth error"}`, description].filter((part) => part !== undefined).join(": ");
}

/** RFC 6749, section 2.3.1: form-encoded, each part for itself. */
function formEncoded(text) {
  return new URLSearchParams({ x: text }).toString().slice(2);
}

export class Client {
  #provider;
  #credentials;

  constructor(provider, credentials) {
    if (!isObject(credentials) || typeof credentials.id !== "string" || credentials.id === "") {
      throw misuse('a client has an id: provider.client({ id: "spa" })');
    }
    for (const name of Object.keys(credentials)) {
      if (!CREDENTIALS.includes(name)) throw misuse(`a client has no option ${inline(name)}: it has ${CREDENTIALS.join(", ")}`);
    }
    const { id, secret, key } = credentials;
    const method = credentials.method ?? (key !== undefined ? "private_key_jwt" : secret !== undefined ? "client_secret_basic" : "none");
    if (!METHODS.includes(method)) throw misuse(`the method of a client is one of ${METHODS.join(", ")}; it was given ${inline(method)}`);
    if (method.startsWith("client_secret") && typeof secret !== "string") throw misuse(`a client that uses ${method} has a secret`);
    if (method === "private_key_jwt" && key === undefined) throw misuse("a client that uses private_key_jwt has a key");
    this.#provider = provider;
    this.#credentials = { ...credentials, method };
    this.id = id;
    this.method = method;
    Object.freeze(this);
  }

  /** Asks an endpoint as this client; the answer may be a refusal. */
  async #ask(endpoint, fields) {
    const url = this.#provider.endpoint(endpoint);
    const { id, secret, method, key, algorithm, kid, assertionAudience } = this.#credentials;
    const form = { ...fields };
    const headers = { accept: "application/json" };
    if (method === "client_secret_basic") {
      headers.authorization = `Basic ${btoa(`${formEncoded(id)}:${formEncoded(secret)}`)}`;
    } else {
      form.client_id = id;
      if (method === "client_secret_post") form.client_secret = secret;
    }
    if (method === "private_key_jwt") {
      // RFC 7523, section 3.
      const nowS = Math.floor(Date.now() / 1000);
      const aud = assertionAudience ?? this.#provider.endpoint("token_endpoint");
      const claims = { iss: id, sub: id, aud, jti: random(), iat: nowS, exp: nowS + ASSERTION_LIFETIME_S };
      form.client_assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
      form.client_assertion = await signJwt(claims, { key, algorithm, kid });
    }
    for (const [name, value] of Object.entries(form)) if (value === undefined) delete form[name];
    return this.#provider.agent.post(url, { form: Object.entries(form), headers, redirects: false });
  }

  /** Tokens for a grant that must be given: `{ grant_type, ... }`. */
  async tokens(grant) {
    return tokensOf(await this.#ask("token_endpoint", grant), grant.grant_type);
  }

  /** A grant that must be refused, with this error. The answer is not quoted: where it is wrong, it holds tokens. */
  async expectRefused(grant, error = "invalid_grant", what = `the grant ${grant.grant_type}`) {
    const answer = await this.#ask("token_endpoint", grant);
    if (answer.ok) throw new AssertionError(`${what} was accepted, and should have been refused with ${error}`);
    if (![400, 401, 403].includes(answer.status)) {
      throw new AssertionError(`${what}: expected to be refused with ${error}, got ${refusalOf(answer)}`, "http");
    }
    const said = parseJson(answer.text, `the refusal of ${what}`)?.error;
    if (said !== error) throw new AssertionError(`${what}: expected to be refused with ${error}, got ${refusalOf(answer)}`);
  }

  /** RFC 6749, section 4.3. */
  async password({ username, password, ...more }) {
    return this.tokens({ grant_type: "password", username, password, ...more });
  }

  /** RFC 6749, section 4.4. */
  async clientCredentials(more = {}) {
    return this.tokens({ grant_type: "client_credentials", ...more });
  }

  /** A request for a code, with PKCE, state and nonce: open its `url`. */
  async authorization(options) {
    return authorizationRequest(this.#provider, this.id, options);
  }

  /** Opens the login page, fills it in, and returns the URL that the browser is sent back to. */
  async signIn(request, options) {
    return signIn(this.#provider, request, options);
  }

  /** Tokens for the code of a callback, which must answer this request. */
  async redeem(request, callback) {
    return this.tokens(request.redemption(request.code(callback)));
  }

  async refresh(refreshToken, more = {}) {
    return this.tokens({ grant_type: "refresh_token", refresh_token: refreshToken, ...more });
  }

  /**
   * A refresh token is good once and brings the next (RFC 9700, section 4.14.2): refreshes twice, and fails unless each
   * answer brings another token and the used one is refused. Returns the last tokens, which may be revoked by then.
   */
  async expectRotation(refreshToken) {
    const first = await this.refresh(refreshToken);
    const next = refreshTokenOf(first);
    // Compared here and not in a matcher: a failure must not quote tokens.
    if (next === refreshToken) throw new AssertionError("the refresh brings the same refresh token again: a leaked one stays good");
    const second = await this.refresh(next);
    refreshTokenOf(second);
    // Last, since it may end the whole family of tokens.
    const used = { grant_type: "refresh_token", refresh_token: refreshToken };
    await this.expectRefused(used, "invalid_grant", "a refresh token that was used before");
    return second;
  }

  /** Starts the device flow (RFC 8628): shows a code, and waits for it. */
  async device(more = {}) {
    const answer = await this.#ask("device_authorization_endpoint", more);
    return new DeviceAuthorization(answer, (grant) => this.#ask("token_endpoint", grant));
  }

  /** Verifies the ID token that came with tokens, and returns its claims. */
  async verifyIdToken(tokens, { keys, required = [], ...more } = {}) {
    return verifyJwt(tokens.id_token, {
      // OpenID Connect Core, section 2.
      required: ["iat", ...required],
      keys: keys ?? (await this.#provider.keys()),
      issuer: this.#provider.issuer,
      audience: this.id,
      authorizedParty: this.id,
      accessToken: tokens.access_token,
      what: "ID token",
      ...more,
    });
  }
}

locate(
  Client.prototype,
  "tokens",
  "expectRefused",
  "password",
  "clientCredentials",
  "authorization",
  "signIn",
  "redeem",
  "refresh",
  "expectRotation",
  "device",
  "verifyIdToken",
);

/** The refresh token of an answer. Fails where there is none. */
function refreshTokenOf({ refresh_token: token }) {
  if (typeof token !== "string" || token === "") throw new AssertionError("no refresh token came with the tokens of a refresh");
  return token;
}

/** The tokens of an answer of the token endpoint (RFC 6749, section 5.1). */
export function tokensOf(answer, grant) {
  if (answer.status !== 200) {
    throw new AssertionError(`the token endpoint refused the grant ${grant}: ${refusalOf(answer)}`, "http");
  }
  const tokens = answer.json();
  const wrong = (message) => new AssertionError(`the answer of the token endpoint: ${message}`);
  if (tokens === null || typeof tokens !== "object") throw wrong("it is no JSON object");
  for (const name of ["access_token", "refresh_token", "id_token"]) {
    const isMissing = tokens[name] === undefined && name !== "access_token";
    if (!isMissing && (typeof tokens[name] !== "string" || tokens[name] === "")) throw wrong(`${name} is ${tokens[name] === undefined ? "absent" : "no text"}`);
  }
  if (!/^(Bearer|DPoP)$/i.test(tokens.token_type)) throw wrong(`expected the token_type "Bearer", got ${inline(tokens.token_type, 60)}`);
  if (tokens.expires_in !== undefined && !(tokens.expires_in > 0)) throw wrong(`expected expires_in to be seconds, got ${inline(tokens.expires_in, 60)}`);
  // A token that a proxy keeps is somebody else's token one day.
  const cached = answer.headers.get("cache-control") ?? "no such header";
  if (!/\bno-store\b/i.test(cached)) throw wrong(`expected cache-control to have no-store, got ${inline(cached, 100)}`);
  return Object.freeze(tokens);
}

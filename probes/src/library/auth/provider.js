// An identity provider as its clients see it: what it says of itself (OpenID Connect Discovery 1.0, RFC 8414), its keys,
// and who a token belongs to.

import { AssertionError } from "../assertion_error.js";
import { inline } from "../format.js";
import { isObject, misuse } from "../host.js";
import { agent as newAgent } from "../http/http.js";
import { placeOf } from "../http/answer.js";
import { locate, located } from "../http/located.js";
import { Client } from "./client.js";
import { keysOf } from "./keys.js";

const REQUIRED = {
  authorization_endpoint: "url",
  token_endpoint: "url",
  jwks_uri: "url",
  response_types_supported: "list",
  subject_types_supported: "list",
  id_token_signing_alg_values_supported: "list",
};

/** A provider that its discovery document describes. */
export const discover = located(async function discover(issuer, { agent = newAgent() } = {}) {
  const name = issuerOf(issuer);
  // OpenID Connect Discovery, section 4: a slash at the issuer's end is taken away first.
  const url = `${name.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const answer = await agent.get(url, { headers: { accept: "application/json" } });
  const metadata = answer.expectStatus(200).json();
  validate(metadata, name, placeOf(url));
  return new Provider(metadata, agent);
});

/** A provider by what is known of it; at least its `issuer`, and the endpoints that are asked. */
export function provider(metadata, { agent = newAgent() } = {}) {
  if (!isObject(metadata)) throw misuse(`provider takes its metadata: provider({ issuer, token_endpoint }); it was given ${inline(metadata)}`);
  issuerOf(metadata.issuer);
  return new Provider(metadata, agent);
}

function issuerOf(issuer) {
  const text = String(issuer);
  if (!URL.canParse(text)) throw misuse(`an issuer is a URL; it was given ${inline(issuer)}`);
  return text;
}

function validate(metadata, issuer, place) {
  const wrong = (message) => new AssertionError(`the discovery document ${place}: ${message}`);
  if (metadata === null || typeof metadata !== "object" || Array.isArray(metadata)) throw wrong("it is no JSON object");
  // Section 4.3: whoever takes another issuer's document for this one's trusts that one's keys.
  if (metadata.issuer !== issuer) throw wrong(`expected the issuer ${inline(issuer)}, got ${inline(metadata.issuer)}`);
  for (const [name, kind] of Object.entries(REQUIRED)) {
    const value = metadata[name];
    if (value === undefined) throw wrong(`it lacks ${name}`);
    if (kind === "list" && !(Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string"))) {
      throw wrong(`${name} is no list of texts, but ${inline(value, 200)}`);
    }
  }
  for (const [name, value] of Object.entries(metadata)) {
    if (!name.endsWith("_endpoint") && name !== "jwks_uri") continue;
    if (typeof value !== "string" || !URL.canParse(value)) throw wrong(`${name} is no absolute URL, but ${inline(value, 200)}`);
    if (new URL(issuer).protocol === "https:" && new URL(value).protocol !== "https:") {
      throw wrong(`${name} is ${inline(value, 200)}, without TLS`);
    }
  }
}

class Provider {
  constructor(metadata, agent) {
    this.issuer = metadata.issuer;
    this.metadata = Object.freeze({ ...metadata });
    this.agent = agent;
    Object.freeze(this);
  }

  /** The URL of an endpoint. Fails where the provider names none. */
  endpoint(name) {
    const url = this.metadata[name];
    if (typeof url !== "string") throw new AssertionError(`the provider ${this.issuer} names no ${name}`);
    return url;
  }

  /** The keys that it publishes, asked for anew. */
  async keys() {
    const url = this.endpoint("jwks_uri");
    const answer = await this.agent.get(url, { headers: { accept: "application/json" } });
    return keysOf(answer.expectStatus(200).json(), placeOf(url));
  }

  /** What the provider says of the user of an access token, who must be `subject`. */
  async userinfo(accessToken, { subject } = {}) {
    const headers = { authorization: `Bearer ${accessToken}`, accept: "application/json" };
    const answer = await this.agent.get(this.endpoint("userinfo_endpoint"), { headers });
    const user = answer.expectStatus(200).json();
    if (typeof user?.sub !== "string" || user.sub === "") throw new AssertionError("userinfo names no subject (sub)");
    // Whoever takes another's answer for its own signs the wrong user in (OpenID Connect Core, section 5.3.2).
    if (subject !== undefined && user.sub !== subject) {
      throw new AssertionError(`the subject in userinfo: expected ${inline(subject, 200)}, got ${inline(user.sub, 200)}`);
    }
    return user;
  }

  /** A client of this provider, and how it proves who it is. */
  client(credentials) {
    return new Client(this, credentials);
  }
}

locate(Provider.prototype, "keys", "userinfo");

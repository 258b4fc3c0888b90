/**
 * What a client of an identity provider does, and what it must refuse. No failure quotes a token, a code or a secret.
 */
declare module "tocsin/auth" {
  import type { AssertionError } from "tocsin";
  import type { Agent, FormFields } from "tocsin/http";

  /** A provider that its discovery document describes. Fails where the document is not what clients may believe. */
  export function discover(issuer: string | URL, options?: { agent?: Agent }): Promise<Provider>;

  /** A provider by what is known of it, without asking for its discovery document. */
  export function provider(
    metadata: { readonly issuer: string; readonly [member: string]: unknown },
    options?: { agent?: Agent },
  ): Provider;

  export interface Provider {
    readonly issuer: string;
    /** The discovery document, or what was given. */
    readonly metadata: Readonly<Record<string, any>>;
    readonly agent: Agent;
    /** The URL under a name such as `"token_endpoint"`. Fails where the provider names none. */
    endpoint(name: string): string;
    /** The keys that it publishes, asked for anew. Fails where there are none, or one is private. */
    keys(): Promise<PublishedKey[]>;
    /** What it says of the user of an access token, who must be `subject`. */
    userinfo(accessToken: string, options?: { subject?: string }): Promise<any>;
    client(credentials: ClientCredentials): Client;
  }

  /** A key as a JWKS lists it. */
  export type PublishedKey = JsonWebKey & { readonly kid?: string };

  export interface ClientCredentials {
    id: string;
    secret?: string;
    /** By what is given where absent: a key, a secret (Basic), or nothing. */
    method?: "client_secret_basic" | "client_secret_post" | "private_key_jwt" | "none";
    /** To sign with: a private JWK, the JSON of one, or a PEM text (PKCS#8). */
    key?: SigningKey;
    /** Where the key does not say it. */
    algorithm?: SignatureAlgorithm;
    kid?: string;
    /** Whom a `private_key_jwt` is for; the token endpoint where absent. */
    assertionAudience?: string;
  }

  export type SigningKey = string | (JsonWebKey & { kid?: string });
  export type SignatureAlgorithm =
    | "RS256"
    | "RS384"
    | "RS512"
    | "PS256"
    | "PS384"
    | "PS512"
    | "ES256"
    | "ES384"
    | "ES512"
    | "EdDSA";

  /** A grant as its form fields. */
  export interface Grant {
    readonly grant_type: string;
    readonly [parameter: string]: string | undefined;
  }

  /** What the token endpoint gave. */
  export interface Tokens {
    readonly access_token: string;
    readonly token_type: string;
    readonly expires_in?: number;
    readonly id_token?: string;
    readonly refresh_token?: string;
    readonly scope?: string;
  }

  type Parameters = Record<string, string | undefined>;

  export interface Client {
    readonly id: string;
    readonly method: string;
    /** Tokens for a grant that must be given. */
    tokens(grant: Grant): Promise<Tokens>;
    /** A grant that must be refused, with this error; `invalid_grant` where absent. `what` names it in the failure. */
    expectRefused(grant: Grant, error?: string, what?: string): Promise<void>;
    password(user: { username: string; password: string; scope?: string } & Parameters): Promise<Tokens>;
    clientCredentials(parameters?: { scope?: string; audience?: string } & Parameters): Promise<Tokens>;
    /** A request for a code, with PKCE, state and nonce. Further parameters go into its URL. */
    authorization(options: { redirectUri: string; scope?: string } & Parameters): Promise<AuthorizationRequest>;
    /** Opens the login page, or several, fills in the fields, and returns the URL that the browser is sent back to. */
    signIn(request: AuthorizationRequest, options: { fields: FormFields; agent?: Agent }): Promise<URL>;
    /** Tokens for the code of a callback, which must answer this request. */
    redeem(request: AuthorizationRequest, callback: URL | string | undefined): Promise<Tokens>;
    refresh(refreshToken: string, parameters?: { scope?: string } & Parameters): Promise<Tokens>;
    /** Refreshes twice; fails unless each answer brings another token, and the used one is refused. */
    expectRotation(refreshToken: string): Promise<Tokens>;
    /** Starts the device flow (RFC 8628). */
    device(parameters?: { scope?: string } & Parameters): Promise<DeviceAuthorization>;
    /** Verifies the ID token of an answer, with its `at_hash`, and returns its claims. */
    verifyIdToken(tokens: Tokens, options?: Partial<Verification>): Promise<Claims>;
  }

  export interface AuthorizationRequest {
    /** What to open in a browser. */
    readonly url: string;
    readonly redirectUri: string;
    readonly state: string;
    readonly nonce: string;
    readonly verifier: string;
    /** Whether a URL leads back to the client: `agent.get(request.url, { until: request.isCallback })`. */
    readonly isCallback: (url: URL | string) => boolean;
    /** The code of a callback. Fails for an error, another state, or another issuer. */
    code(callback: URL | string | undefined): string;
    /** The grant that redeems a code. */
    redemption(code: string): Grant;
  }

  export interface DeviceAuthorization {
    /** What a person types in at `verificationUri`. */
    readonly userCode: string;
    readonly verificationUri: string;
    readonly verificationUriComplete?: string;
    readonly expiresInS: number;
    readonly intervalS: number;
    /** To ask once and by hand: `client.tokens(device.grant)`. */
    readonly grant: Grant;
    /** Asks as often as it may until the code was entered. */
    tokens(options?: { signal?: AbortSignal }): Promise<Tokens>;
  }

  export type Claims = Readonly<Record<string, any>>;

  /** A token's parts, which nobody has verified. */
  export interface Jwt {
    readonly header: Readonly<Record<string, any>>;
    readonly claims: Claims;
    readonly signed: Uint8Array<ArrayBuffer>;
    readonly signature: Uint8Array<ArrayBuffer>;
  }

  export function decodeJwt(token: unknown, what?: string): Jwt;

  /** Why a token is refused. */
  export class TokenError extends AssertionError {
    readonly reason: {
      readonly code: string;
      readonly claim?: string;
      readonly expected?: string;
      readonly got?: string;
    };
  }

  export interface Keys {
    /** A JWKS, or its list of keys. */
    keys: readonly PublishedKey[] | { readonly keys: readonly PublishedKey[] };
    /** The allow-list; all that are known where absent. `none` and HS256 are never on it. */
    algorithms?: readonly SignatureAlgorithm[];
  }

  export interface ExpectedClaims {
    /** Names the token in failures. */
    what?: string;
    issuer?: string;
    /** One of these must be among the token's audiences. */
    audience?: string | readonly string[];
    subject?: string;
    /** What `azp` must be, where it is there. */
    authorizedParty?: string;
    nonce?: string;
    /** What `typ` must be, such as `"at+jwt"`. */
    type?: string;
    /** Claims and the values that they must have. */
    claims?: Record<string, string | number | boolean | undefined>;
    /** Claims that must be there. */
    required?: readonly string[];
    maxAgeS?: number;
    /** Seconds for which it must be good from now. */
    validForS?: number;
    /** How far another clock may be from this one; 60 where absent. */
    clockToleranceS?: number;
    now?: Date;
  }

  export interface Verification extends Keys, ExpectedClaims {
    issuer: string;
    audience: string | readonly string[];
    /** The access token that came with it, for `at_hash`. */
    accessToken?: string;
    /** The code that came with it, for `c_hash`. */
    code?: string;
  }

  /** The signature is by one of these keys. */
  export function expectSignature(token: unknown, options: Keys & { what?: string }): Promise<Jwt>;
  /** Who issued it, for whom, and that it is good now; the signature is not looked at. */
  export function expectClaims(token: unknown, expected?: ExpectedClaims): Claims;
  /** Signature, claims, and what an ID token says of the access token and the code that came with it. */
  export function verifyJwt(token: unknown, options: Verification): Promise<Claims>;
  /** Signs a token; the algorithm is the key's own where absent. */
  export function signJwt(
    claims: object,
    options: { key: SigningKey; algorithm?: SignatureAlgorithm; kid?: string; header?: object },
  ): Promise<string>;

  export interface OneTimePassword {
    /** SHA-1 where absent. */
    algorithm?: "SHA-1" | "SHA-256" | "SHA-512";
    /** 6 where absent. */
    digits?: number;
  }

  /** The secret is base32 as apps show it, an `otpauth:` URL, or bytes. */
  export function hotp(secret: string | Uint8Array, counter: number, options?: OneTimePassword): Promise<string>;
  /** The code of now, or of `at`; for periods of 30 seconds where nothing is said. */
  export function totp(
    secret: string | Uint8Array,
    options?: OneTimePassword & { periodS?: number; at?: Date },
  ): Promise<string>;

  /** Reads a SAML response: the form field or query parameter `SAMLResponse`, or its XML. */
  export function readSaml(text: string): SamlResponse;

  /** Fails where a service would refuse the response. Signatures are looked for, and NOT verified. */
  export function expectSaml(
    response: string | SamlResponse,
    expected?: {
      issuer?: string;
      audience?: string;
      /** Where it was sent: its `Destination`, and the recipient of its subject's confirmation. */
      destination?: string;
      inResponseTo?: string;
      subject?: string;
      /** By name or friendly name: values that must be among the attribute's. */
      attributes?: Record<string, string | readonly string[]>;
      /** What must carry a signature that refers to it; `"either"` where absent. */
      signed?: "either" | "response" | "assertion" | "none";
      clockToleranceS?: number;
      now?: Date;
    },
  ): SamlAssertion;

  export interface SamlResponse {
    readonly carrier: "xml" | "post" | "redirect";
    readonly id?: string;
    readonly issueInstant?: string;
    readonly destination?: string;
    readonly inResponseTo?: string;
    readonly issuer?: string;
    readonly status: { readonly code?: string; readonly subCode?: string; readonly message?: string };
    readonly signature?: SamlSignature;
    readonly assertions: readonly SamlAssertion[];
    /** Assertions that only the service can read. */
    readonly encryptedAssertions: number;
  }

  export interface SamlAssertion {
    readonly id?: string;
    readonly issueInstant?: string;
    readonly issuer?: string;
    readonly subject?: {
      readonly nameId?: string;
      readonly format?: string;
      readonly confirmations: readonly {
        readonly method?: string;
        readonly recipient?: string;
        readonly inResponseTo?: string;
        readonly notBefore?: string;
        readonly notOnOrAfter?: string;
      }[];
    };
    readonly conditions?: {
      readonly notBefore?: string;
      readonly notOnOrAfter?: string;
      readonly audiences: readonly (readonly string[])[];
    };
    readonly authentications: readonly {
      readonly instant?: string;
      readonly sessionIndex?: string;
      readonly sessionNotOnOrAfter?: string;
      readonly contextClass?: string;
    }[];
    readonly attributes: readonly {
      readonly name?: string;
      readonly friendlyName?: string;
      readonly values: readonly string[];
    }[];
    readonly signature?: SamlSignature;
  }

  /** What a signature says of itself. It is NOT verified: a service that takes the response does that. */
  export interface SamlSignature {
    readonly method?: string;
    readonly digestMethod?: string;
    /** Whether it refers to the element that it stands in, and to nothing else. */
    readonly coversItsElement: boolean;
    /** Hex SHA-256 of the certificate that comes with it. */
    readonly certificateSha256?: string;
    readonly verified: false;
  }
}

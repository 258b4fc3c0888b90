// A provider in place of `fetch`: the script of a specification says what it answers.

export interface Asked {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly form: URLSearchParams;
}

export interface Answered {
  status?: number;
  json?: unknown;
  html?: string;
  text?: string;
  headers?: Record<string, string>;
}

const asked: Asked[] = [];

/** What was asked so far, and forgotten by asking for it. */
export function questions(): Asked[] {
  return asked.splice(0);
}

export function serve(answer: (asked: Asked) => Answered): void {
  globalThis.fetch = async (input: any, init: any = {}) => {
    const url = new URL(String(input));
    const question = {
      url,
      method: init.method ?? "GET",
      headers: new Headers(init.headers),
      form: new URLSearchParams(init.body instanceof URLSearchParams ? init.body : ""),
    };
    asked.push(question);
    const { status = 200, json, html, text, headers = {} } = answer(question);
    const kind = json !== undefined ? "application/json" : html !== undefined ? "text/html; charset=utf-8" : "text/plain";
    const body = json !== undefined ? JSON.stringify(json) : (html ?? text ?? "");
    const response = new Response(body, { status, headers: { "content-type": kind, ...headers } });
    Object.defineProperty(response, "url", { value: url.href });
    return response;
  };
}

export const ISSUER = "https://idp.test/";

export const METADATA = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}authorize`,
  token_endpoint: `${ISSUER}token`,
  userinfo_endpoint: `${ISSUER}userinfo`,
  device_authorization_endpoint: `${ISSUER}device`,
  jwks_uri: `${ISSUER}jwks`,
  response_types_supported: ["code"],
  subject_types_supported: ["public"],
  id_token_signing_alg_values_supported: ["RS256"],
};

export const NO_STORE = { "cache-control": "no-store" };
export const TOKENS = { access_token: "secret-access-token", token_type: "Bearer", expires_in: 300 };

// A site in place of `fetch`: the script of a specification says what it answers.

export interface Asked {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: any;
  readonly form: URLSearchParams;
}

export interface Answered {
  status?: number;
  json?: unknown;
  html?: string;
  text?: string;
  headers?: Record<string, string>;
  cookies?: string[];
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
      body: init.body instanceof URLSearchParams ? String(init.body) : init.body,
      form: new URLSearchParams(init.body instanceof URLSearchParams ? init.body : ""),
    };
    asked.push(question);
    const { status = 200, json, html, text, headers = {}, cookies = [] } = answer(question);
    const kind = json !== undefined ? "application/json" : html !== undefined ? "text/html; charset=utf-8" : "text/plain";
    const body = json !== undefined ? JSON.stringify(json) : (html ?? text ?? "");
    const isEmpty = [204, 304].includes(status);
    const response = new Response(isEmpty ? null : body, { status, headers: { "content-type": kind, ...headers } });
    for (const cookie of cookies) response.headers.append("set-cookie", cookie);
    Object.defineProperty(response, "url", { value: url.href });
    return response;
  };
}

// What every answer must be, whatever it says: the right status, in time, and readable to its end.

import { AssertionError, check, connection, expect } from "tocsin";

/** A person who signs in has waited for several answers of this length. */
const FIRST_BYTE_MS_MAX = 2500;

/** The body of an answer that has one of these statuses. */
export async function text(response: Response, status: number | readonly number[] = 200): Promise<string> {
  const body = await response.text();
  expect(response).toHaveStatus(status, body);
  checkFirstByte(response);
  return body;
}

/** The body of an answer, parsed. */
export async function json(response: Response, status: number | readonly number[] = 200): Promise<any> {
  const body = await text(response, status);
  expect(response).toHaveHeader("content-type", /^application\/(\w+\+)?json\b/i);
  return parsed(body, `the body of ${placeOf(response)}`);
}

/** The value of a JSON text. What the target sent is wrong where it is none, and not the script. */
export function parsed(text: string, what: string): any {
  try {
    return JSON.parse(text);
  } catch {
    // The text is not quoted, nor the parser's message, which may: it can be a token that breaks off.
    throw new AssertionError(`${what} is no JSON: ${text.length} characters that do not parse`);
  }
}

/** A page of HTML, whole. */
export async function page(response: Response, status: number | readonly number[] = 200): Promise<string> {
  const html = await text(response, status);
  expect(response).toHaveHeader("content-type", /^text\/html\b/i);
  if (!/<\/html>\s*$/i.test(html))
    throw new AssertionError(`the page ${placeOf(response)} is cut off: it has no </html> at its end`);
  return html;
}

/** Notes an answer that was slow to start. The run goes on: what else is wrong is worth knowing too. */
export function checkFirstByte(response: Response): void {
  const { firstByteMs } = connection(response).phases;
  if (firstByteMs !== undefined) {
    check(Math.round(firstByteMs), `milliseconds to the first byte of ${placeOf(response)}`).toBeLessThan(
      FIRST_BYTE_MS_MAX,
    );
  }
}

/** Where an answer came from, without a query that may hold a code. */
export function placeOf(response: Response): string {
  return response.url.replace(/\?.*/s, "");
}

/** The headers that keep a browser's user safe on this page (OWASP Secure Headers). */
export function checkSecurityHeaders(response: Response): void {
  check(response).toHaveHeader("strict-transport-security", /max-age=\d{7,}/);
  check(response).toHaveHeader("content-security-policy");
  check(response).toHaveHeader("x-content-type-options", "nosniff");
  check(response).toHaveHeader("x-frame-options", /^(DENY|SAMEORIGIN)$/i);
  check(response).toHaveHeader("referrer-policy");
}

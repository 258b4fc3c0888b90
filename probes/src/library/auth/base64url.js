// base64url without padding (RFC 4648, section 5; RFC 7515, section 2).

export function toBase64url(bytes) {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 4096) binary += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The bytes; throws where the text is no base64url. */
export function fromBase64url(text) {
  if (!/^[\w-]*$/.test(text)) throw new TypeError("no base64url");
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
}

export const utf8 = (text) => new TextEncoder().encode(text);

/** Random bits as base64url; 256 of them where nothing is said. */
export function random(bytes = 32) {
  return toBase64url(crypto.getRandomValues(new Uint8Array(bytes)));
}

export async function hash(algorithm, text) {
  return new Uint8Array(await crypto.subtle.digest(algorithm, utf8(text)));
}

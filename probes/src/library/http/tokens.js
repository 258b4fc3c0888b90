// A failure's message goes to a chat and to phones. What lets its reader in must not be in it.

const NAMES =
  "access_token|refresh_token|id_token|device_code|client_secret|client_assertion|assertion|password|code|code_verifier|token|SAMLResponse";

const JWT = /\beyJ[\w-]+\.[\w-]*\.?[\w-]*/g;
const IN_JSON = new RegExp(`("(?:${NAMES})"\\s*:\\s*")(?:[^"\\\\]|\\\\.)*`, "gi");
const IN_FORM = new RegExp(`(\\b(?:${NAMES})=)[^&\\s"'<>]+`, "gi");

/** A text that a target sent, without the tokens that stand in it by their usual names, or look like a JWT. */
export function withoutTokens(text) {
  return text.replace(IN_JSON, "$1[redacted]").replace(IN_FORM, "$1[redacted]").replace(JWT, "[redacted]");
}

// The module `tocsin/auth`: what a client of an identity provider does, and what it must refuse.
//
// Nothing here quotes a token, a code or a secret in a failure. What a token claims is quoted, shortened.

export { discover, provider } from "./provider.js";
export { decodeJwt, expectClaims, expectSignature, signJwt, TokenError, verifyJwt } from "./jwt.js";
export { expectSaml, readSaml } from "./saml.js";
export { hotp, totp } from "./totp.js";

// An identity provider: a site that the script of a specification answers for, and what its documents say.

export { type Answered, type Asked, questions, serve } from "../../modules/site.ts";

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

// The module `tocsin/http`: as much of a browser as a check needs.
//
// Unlike `tocsin` itself, this module and `tocsin/auth` are made of the web globals as the script left them: a check
// that replaces `fetch` replaces what its agents use. They hold nothing that the script does not have.

export { agent } from "./agent.js";
export { CookieJar, parseCookie } from "./cookies.js";
export {
  caching,
  checkCookieFlags,
  checkSecurityHeaders,
  contentSecurityPolicy,
  expectIntegrity,
  integrity,
} from "./headers.js";
export { page } from "./page.js";

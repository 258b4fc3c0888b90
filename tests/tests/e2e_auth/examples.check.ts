// The examples of docs/library-http-auth.md, as they stand there.
import { defineCheck, expect, log, step } from "tocsin";
import { decodeJwt, discover, expectClaims, expectSaml, expectSignature, hotp, provider, readSaml, signJwt, totp, verifyJwt } from "tocsin/auth";
import { agent, caching, checkCookieFlags, checkSecurityHeaders, contentSecurityPolicy, CookieJar, expectIntegrity, integrity, page, parseCookie } from "tocsin/http";
import keys from "./keys.json" with { type: "json" };

const SAML = `<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns="urn:oasis:names:tc:SAML:2.0:assertion">
  <p:Status><p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></p:Status>
  <Assertion><Issuer>https://idp.test</Issuer><Subject><NameID>user@a.test</NameID>
    <SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
      <SubjectConfirmationData NotOnOrAfter="2999-01-01T00:00:00Z"/></SubjectConfirmation></Subject>
    <Conditions><AudienceRestriction><Audience>https://sp.test</Audience></AudienceRestriction></Conditions></Assertion>
</p:Response>`;

export default defineCheck({
  schedule: "every 30s",
  timeout: "30s",
  secrets: ["LOGIN_PASSWORD", "NATIVE_SECRET"],
  async run({ vars, secrets }) {
    const username = vars.USER_EMAIL!;
    const password = secrets.LOGIN_PASSWORD;

    await step("tocsin/http", async () => {
      const site = agent({ baseUrl: vars.AUTH_URL!, firstByteMsMax: 60_000 });
      const docs = (await site.get("/docs")).expectStatus(200);
      const issuer = (await site.get("/.well-known/openid-configuration")).json("issuer");
      expect(docs.page().title).toMatch(/Documentation/);
      const paths = docs.page().select("table code").map(({ text }) => text);
      const { connectMs, tlsMs, firstByteMs, bodyMs, totalMs } = docs.timings;
      const login = await site.get("/dashboard");
      log("the way", { chain: login.chain });
      const home = await site.submit(login.page().formWith("password"), { username, password });
      const front = await site.get("/", { redirects: false });
      const refused = await site.post("/oauth/token", { form: { grant_type: "password" } });
      checkSecurityHeaders(docs, { hstsMaxAgeSMin: 31_536_000 });
      expect(contentSecurityPolicy(docs)?.["frame-ancestors"]).toEqual(["'none'"]);
      for (const cookie of home.cookies) checkCookieFlags(cookie, { sameSite: ["lax"] });
      expect(caching(home).noStore).toBe(true);
      const library = await site.get("/cdn/auth.min.js");
      const promised = (await site.get("/cdn/manifest.json")).json(["files", "auth.min.js", "integrity"]);
      await expectIntegrity(library.bytes, promised, "the library");
      expect(await integrity(library.bytes, "sha384")).toBe(promised);
      const [link] = page('<a href="/docs">Docs</a>', site.url("/")).links;
      const cookie = parseCookie("__Host-a=1; Path=/shop", site.url("/"));
      const jar = new CookieJar();
      jar.set("a=1; Path=/; Secure", site.url("/"));
      expect(jar.header(site.url("/docs"))).toBe("a=1");
      expect([issuer, link!.url, cookie.refused !== undefined, refused.status, front.next?.pathname]).toEqual([
        site.url("/"), site.url("/docs"), true, 401, "/docs",
      ]);
      expect(home.page().link("Log out").url).toBe(site.url("/v2/logout"));
      expect(paths).toContain("/oauth/device/code");
      expect([connectMs, tlsMs, firstByteMs, bodyMs, totalMs]).toEqual(Array(5).fill(expect.any(Number)));
    });

    await step("tocsin/auth", async () => {
      const site = agent({ baseUrl: vars.AUTH_URL! });
      const idp = await discover(site.url("/"), { agent: site });
      const known = provider({ issuer: site.url("/"), token_endpoint: site.url("/oauth/token") });
      expect(known.endpoint("token_endpoint")).toBe(idp.endpoint("token_endpoint"));
      const app = idp.client({ id: "tocsin-native", secret: secrets.NATIVE_SECRET });
      const request = await app.authorization({ redirectUri: site.url("/callback"), scope: "openid email offline_access" });
      const callback = await app.signIn(request, { fields: { username, password } });
      const tokens = await app.redeem(request, callback);
      const { sub } = await app.verifyIdToken(tokens, { nonce: request.nonce, claims: { email: username } });
      const user = await idp.userinfo(tokens.access_token, { subject: sub });
      const newer = await app.refresh(tokens.refresh_token!);
      await app.expectRotation(newer.refresh_token!);
      await app.expectRefused({ grant_type: "password", username, password: "wrong" }, "invalid_grant", "a wrong password");
      const byPassword = await app.password({ username, password, scope: "openid" });
      const service = idp.client({ id: "tocsin-service", key: keys.key, algorithm: "ES256" });
      const { access_token } = await service.clientCredentials({ audience: vars.API_AUDIENCE! });
      await verifyJwt(access_token, { keys: await idp.keys(), issuer: idp.issuer, audience: vars.API_AUDIENCE!, type: "at+jwt" });
      const device = await idp.client({ id: "tocsin-tv" }).device({ scope: "openid" });
      log("enter the code", { code: device.userCode, at: device.verificationUri });
      await expectSignature(byPassword.id_token, { keys: await idp.keys(), algorithms: ["RS256"] });
      expectClaims(byPassword.id_token, { issuer: idp.issuer, audience: app.id, maxAgeS: 30, validForS: 60 });
      const { header } = decodeJwt(byPassword.id_token, "ID token");
      const assertion = await signJwt({ sub: "me" }, { key: keys.key, algorithm: "ES256" });
      const code = await totp("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", { at: new Date(59_000), digits: 8 });
      expect(await hotp("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 0)).toBe("755224");
      const response = readSaml(btoa(SAML));
      const { subject } = expectSaml(response, { issuer: "https://idp.test", audience: "https://sp.test", signed: "none" });
      expect([user.email, code, header.alg, decodeJwt(assertion).claims.sub, subject?.nameId]).toEqual([
        username, "94287082", "RS256", "me", "user@a.test",
      ]);
    });
  },
});

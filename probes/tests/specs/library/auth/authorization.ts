// The authorization code flow with PKCE: what is sent, what must come back, and the way through login pages.
import { defineCheck, expect } from "tocsin";
import { provider } from "tocsin/auth";
import { agent } from "tocsin/http";
import { type Answered, type Asked, METADATA, NO_STORE, questions, serve, TOKENS } from "./modules/provider.ts";
import { told } from "../modules/told.ts";

const CALLBACK = "https://app.test/callback";
const idp = provider(METADATA);
const client = idp.client({ id: "spa" });
const request = await client.authorization({ redirectUri: CALLBACK, scope: "openid email", prompt: "login" });
const back = (query: Record<string, string>) => `${CALLBACK}?${new URLSearchParams(query)}`;
const code = (query: Record<string, string>) => () => request.code(back({ state: request.state, ...query }));

const login = (more: string) => ({ html: `<html><form method=post action=/login>${more}</form></html>` });
const USERNAME = "<input type=hidden name=csrf value=x><input name=username>";
const PASSWORD = "<input type=password name=password>";
const fields = { username: "user@a.test", password: "secret-password" };

/** Signs in where the provider answers one page after the other, and in the end with the way back. */
const through = (...pages: Answered[]) => async () => {
  const left = [...pages];
  serve(() => left.shift() ?? { status: 302, headers: { location: back({ code: "secret-code", state: request.state }) } });
  const callback = await client.signIn(request, { agent: agent(), fields });
  return callback.origin;
};

export default defineCheck({
  schedule: "every 30s",
  async run() {
    const sent = Object.fromEntries(new URL(request.url).searchParams);
    expect(sent).toEqual({
      response_type: "code",
      client_id: "spa",
      redirect_uri: CALLBACK,
      scope: "openid email",
      prompt: "login",
      state: request.state,
      nonce: request.nonce,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: "S256",
    });
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(request.verifier)));
    expect(atob(sent.code_challenge!.replaceAll("-", "+").replaceAll("_", "/"))).toBe(String.fromCharCode(...digest));
    expect(new Set([request.state, request.nonce, request.verifier]).size).toBe(3);

    // The way back, whatever it carries; and nothing that only looks like it. It is handed over as it is.
    const { isCallback } = request;
    for (const url of [CALLBACK, `${CALLBACK}?code=c`, `${CALLBACK}#code=c`, new URL(`${CALLBACK}?error=x`)]) expect(isCallback(url), String(url)).toBe(true);
    for (const url of [`${CALLBACK}2`, `${CALLBACK}/x`, "http://app.test/callback", "https://app.test.evil.test/callback", `https://evil.test/?${CALLBACK}`]) {
      expect(isCallback(url), url).toBe(false);
    }
    expect(request.redemption("secret-code")).toEqual({
      grant_type: "authorization_code",
      code: "secret-code",
      redirect_uri: CALLBACK,
      code_verifier: request.verifier,
    });

    await told({
      "the way back": code({ code: "c", iss: METADATA.issuer }),
      "another state": code({ code: "c", state: "other" }),
      "another issuer": code({ code: "c", iss: "https://else.test/" }),
      "no code": code({}),
      "refused": code({ error: "login_required", error_description: "no session for password=secret-password" }),
      "another page": () => request.code("https://app.test/callback2?code=c"),
      "no page": () => request.code(undefined),
      "one page": through(login(USERNAME + PASSWORD)),
      "a page for the name, and one for the password": through(login(USERNAME), login(PASSWORD)),
      "a session": through(),
      "a refused password": through(login(USERNAME + PASSWORD), { ...login(USERNAME + PASSWORD), status: 401 }),
      "a page without a form": through({ html: "<html>Come back later</html>" }),
      "a page that is down": through({ status: 503, html: "<html><title>x</title>Down for <b>maintenance</b></html>" }),
      "a page that breaks off": through({ html: "<html><form><input name=username>" }),
      "no fields": () => client.signIn(request, {} as any),
      "no redirect URI": () => client.authorization({} as any),
    });

    // The agent stays on the provider's site: a form that leads elsewhere gets no password.
    const stays = agent({ origins: [METADATA.issuer] });
    serve(() => ({ html: "<html><form method=post action=https://evil.test/><input name=password></form></html>" }));
    await told({ "a form that leads elsewhere": () => client.signIn(request, { agent: stays, fields: { password: "secret-password" } }) });
    expect(questions().every(({ url }: Asked) => url.origin !== "https://evil.test")).toBe(true);

    serve(() => ({ json: TOKENS, headers: NO_STORE }));
    await client.redeem(request, new URL(back({ code: "secret-code", state: request.state })));
    expect(Object.fromEntries(questions()[0]!.form)).toEqual({
      grant_type: "authorization_code",
      code: "secret-code",
      redirect_uri: CALLBACK,
      code_verifier: request.verifier,
      client_id: "spa",
    });
  },
});

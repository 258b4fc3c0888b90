// The device flow: it waits as it is told to, and ends with tokens or with the reason.
import { defineCheck, expect } from "tocsin";
import { provider } from "tocsin/auth";
import { type Answered, METADATA, NO_STORE, questions, serve, TOKENS } from "./modules/provider.ts";
import { told } from "../modules/told.ts";

const client = provider(METADATA).client({ id: "tv" });
const STARTED = { device_code: "secret-device", user_code: "BCDF-GHJK", verification_uri: "https://idp.test/activate", expires_in: 300, interval: 0.01 };
const error = (name: string) => ({ status: 400, json: { error: name } });
const good = { json: TOKENS, headers: NO_STORE };

const flow = (started: Answered, ...answers: Answered[]) => async () => {
  const left = [...answers];
  serve(({ url }) => (url.pathname === "/device" ? started : left.shift()!));
  const device = await client.device({ scope: "openid" });
  const { token_type } = await device.tokens();
  return `${device.userCode} ${token_type}`;
};
const starting = (change: object) => flow({ json: { ...STARTED, ...change } }, good);
const polling = (...answers: Answered[]) => flow({ json: STARTED }, ...answers);

export default defineCheck({
  schedule: "every 30s",
  async run() {
    await told({
      "at once": polling(good),
      "after a while": polling(error("authorization_pending"), error("authorization_pending"), good),
      "denied": polling(error("authorization_pending"), error("access_denied")),
      "expired": polling(error("expired_token")),
      "a server that is down": polling({ status: 503, text: "down" }),
      "nobody enters the code": flow({ json: { ...STARTED, expires_in: 0.02, interval: 0.03 } }, error("authorization_pending")),
      "told to slow down past the end": flow({ json: { ...STARTED, expires_in: 4 } }, error("slow_down")),
      "no device code": starting({ device_code: undefined }),
      "no address": starting({ verification_uri: "activate" }),
      "no lifetime": starting({ expires_in: undefined }),
      "an interval that is none": starting({ interval: "5" + "s" }),
      "refused": flow(error("unauthorized_client")),
    });
    questions();
    await polling(error("authorization_pending"), good)();
    const [started, first, second] = questions();
    expect(Object.fromEntries(started!.form)).toEqual({ scope: "openid", client_id: "tv" });
    const grant = { grant_type: "urn:ietf:params:oauth:grant-type:device_code", device_code: "secret-device", client_id: "tv" };
    expect([Object.fromEntries(first!.form), Object.fromEntries(second!.form)]).toEqual([grant, grant]);
    // What a person is shown, and what asks once and by hand.
    serve(() => ({ json: { ...STARTED, verification_uri_complete: `${STARTED.verification_uri}?code=BCDF-GHJK`, interval: undefined } }));
    const device = await client.device();
    expect([device.userCode, device.verificationUri, device.verificationUriComplete]).toEqual(["BCDF-GHJK", STARTED.verification_uri, `${STARTED.verification_uri}?code=BCDF-GHJK`]);
    // Five seconds where the server says none (RFC 8628, section 3.2).
    expect([device.expiresInS, device.intervalS]).toEqual([300, 5]);
    expect(device.grant).toEqual({ grant_type: grant.grant_type, device_code: "secret-device" });
    // Who gives up does not wait for the code.
    serve(({ url }) => (url.pathname === "/device" ? { json: { ...STARTED, interval: 200 } } : error("authorization_pending")));
    const waiting = (await client.device()).tokens({ signal: AbortSignal.timeout(20) });
    expect((await waiting.catch((reason) => reason)).name).toBe("TimeoutError");
  },
});

// The device flow end to end: a person, in a browser, allows what a device asks for, and another time denies it.
import { AssertionError, defineCheck, expect, step } from "tocsin";
import { type DeviceAuthorization, discover } from "tocsin/auth";
import { agent } from "tocsin/http";

export default defineCheck({
  schedule: "every 30s",
  timeout: "30s",
  secrets: ["LOGIN_PASSWORD"],
  async run({ vars, secrets }) {
    const browser = agent({ baseUrl: vars.AUTH_URL! });
    const idp = await discover(browser.url("/"), { agent: agent({ baseUrl: vars.AUTH_URL! }) });
    const tv = idp.client({ id: "tocsin-tv" });

    async function answer(device: DeviceAuthorization, button: "allow" | "deny"): Promise<string> {
      let shown = (await browser.get(device.verificationUriComplete!)).expectStatus(200).page();
      const login = shown.forms.find(({ fields }) => "password" in fields);
      if (login !== undefined) {
        const credentials = { username: vars.USER_EMAIL!, password: secrets.LOGIN_PASSWORD };
        shown = (await browser.submit(login, credentials)).expectStatus(200).page();
      }
      expect(shown.formWith("user_code").fields.user_code, "the code in the form").toBe(device.userCode);
      const { csrf } = shown.formWith("user_code").fields;
      const form = { csrf: csrf!, user_code: device.userCode.toLowerCase().replace("-", " "), answer: button };
      return (await browser.post("/activate", { form })).expectStatus(200).page().find("h1 + p").text;
    }

    await step("nobody has entered the code", async () => {
      const device = await tv.device({ scope: "openid email offline_access" });
      await tv.expectRefused(device.grant, "authorization_pending");
      await idp.client({ id: "tocsin-spa" }).expectRefused(device.grant, "unauthorized_client");
    });

    const tokens = await step("allowed", async () => {
      const device = await tv.device({ scope: "openid email offline_access" });
      const waiting = device.tokens();
      expect(await answer(device, "allow")).toBe("The device is signed in.");
      const tokens = await waiting;
      await tv.expectRefused(device.grant, "invalid_grant", "a code that was used");
      return tokens;
    });
    const claims = await tv.verifyIdToken(tokens, { claims: { email: vars.USER_EMAIL }, required: ["at_hash"] });
    expect((await idp.userinfo(tokens.access_token, { subject: claims.sub })).email).toBe(vars.USER_EMAIL);
    await step("refresh", () => tv.expectRotation(tokens.refresh_token!));

    await step("denied", async () => {
      const device = await tv.device();
      expect(await answer(device, "deny")).toBe("The device is not signed in.");
      const failure = await device.tokens().catch((error) => error);
      expect(failure).toBeInstanceOf(AssertionError);
      expect(failure.message).toContain("access_denied");
    });

    await step("a code that nobody was given", async () => {
      const page = (await browser.get("/activate")).expectStatus(200).page();
      const fields = { user_code: "BBBB-BBBB" };
      const answered = await browser.submit(page.formWith("user_code"), fields, { button: "answer=deny" });
      expect(answered).toHaveStatus(400);
      const forged = await browser.post("/activate", { form: { csrf: "guess", user_code: "BBBB-BBBB", answer: "allow" } });
      expect(forged).toHaveStatus(403);
    });
  },
});

// A user signs in with a password, through the form that people use.
//
//   LOGIN_URL = "https://www.example.com/account"
//   USER_EMAIL = "probe@example.com"

import { check, defineCheck, expect, step } from "tocsin";
import { agent, checkCookieFlags } from "tocsin/http";

export default defineCheck({
  description: "A user can sign in",
  schedule: "every 30s",
  timeout: "15s",
  tags: ["login"],
  // Its value is in no result, log or page; see [secrets] in tocsin.toml.
  secrets: ["LOGIN_PASSWORD"],

  async run({ vars, secrets }) {
    // A visitor with cookies, who follows redirects within the site: a password must not travel elsewhere.
    const visitor = agent({ baseUrl: vars.LOGIN_URL });

    const form = await step("open the login page", async () => {
      const answer = (await visitor.get(vars.LOGIN_URL)).expectStatus(200);
      return answer.page().formWith("password");
    });

    await step("sign in", async () => {
      // The names of the form's own fields.
      const fields = { username: vars.USER_EMAIL, password: secrets.LOGIN_PASSWORD };
      const answer = (await visitor.submit(form, fields)).expectStatus(200);
      // What only somebody sees who is signed in; a refused password often has status 200 too.
      expect(answer.text, "the page after signing in").toContain(vars.USER_EMAIL);
      check(answer.cookies, "the cookies that signing in sets").not.toHaveLength(0);
      for (const cookie of answer.cookies) checkCookieFlags(cookie);
    });

    await step("refuse a wrong password", async () => {
      const stranger = agent({ baseUrl: vars.LOGIN_URL });
      const again = (await stranger.get(vars.LOGIN_URL)).expectStatus(200).page().formWith("password");
      await stranger.submit(again, { username: vars.USER_EMAIL, password: "not the password" });
      // Still asked for it: a page without the form fails here.
      (await stranger.get(vars.LOGIN_URL)).page().formWith("password");
    });
  },
});

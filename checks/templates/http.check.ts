// A page answers, quickly, and says what it should.
//
//   SITE_URL = "https://www.example.com/"

import { check, connection, defineCheck, expect, step } from "tocsin";

export default defineCheck({
  // The first line that somebody who is woken reads: say what works as long as this passes.
  description: "The start page answers",
  schedule: "every 30s",
  timeout: "10s",
  tags: ["web"],

  async run({ vars }) {
    const response = await step("ask for the page", async () => {
      const response = await fetch(vars.SITE_URL);
      // Where this does not hold, the rest is pointless: `expect` ends the run here.
      expect(response).toBeOk();
      expect(response).toHaveHeader("content-type", /^text\/html/);
      return response;
    });

    await step("read it", async () => {
      expect(await response.text()).toMatch(/<title>/i);
    });

    // Worth knowing, and no reason to stop: `check` records it, and the run fails at its end.
    check(connection(response).phases.firstByteMs, "milliseconds to the first byte").toBeLessThan(2_000);
  },
});

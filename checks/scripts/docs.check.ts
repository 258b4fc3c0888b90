// Developers read how to integrate.
//
// Notices: missing-security-headers, and slow, error, outage, drop and truncated-body on the docs.

import { check, defineCheck, expect, step } from "tocsin";
import { checkSecurityHeaders, page } from "./http/answer.ts";
import { Provider } from "./oidc/provider.ts";

export default defineCheck({
  description: "The documentation is there, whole, with what a developer looks for",
  schedule: "every 1m",
  timeout: "10s",
  tags: ["pages"],
  runbook: "https://runbooks.tocsin.test/docs",

  async run({ vars }) {
    const provider = new Provider({ vars });

    const html = await step("open the page", async () => {
      const response = await fetch(provider.url("/docs"));
      const html = await page(response);
      checkSecurityHeaders(response);
      return html;
    });

    await step("find what a developer looks for", () => {
      expect(html, "the page").toMatch(/<title>[^<]+<\/title>/i);
      for (const topic of ["/authorize", "/oauth/token", "/userinfo", "/.well-known/openid-configuration"]) {
        check(html.includes(topic), `the page speaks of ${topic}`).toBe(true);
      }
      // What a template or a proxy leaves in a page when something behind it broke.
      check(html, "the page").not.toMatch(/internal server error|undefined|\[object Object\]|\{\{|stack backtrace/i);
    });
  },
});

// Developers read how to integrate.
//
// Notices: missing-security-headers, and slow, error, outage, drop and truncated-body on the docs.

import { check, defineCheck, expect, step } from "tocsin";
import { checkSecurityHeaders } from "tocsin/http";
import { visitor } from "./auth-stack.ts";

export default defineCheck({
  description: "The documentation is there, whole, with what a developer looks for",
  schedule: "every 1m",
  timeout: "10s",
  tags: ["pages"],
  runbook: "https://runbooks.tocsin.test/docs",

  async run({ vars }) {
    const docs = await step("open the page", async () => {
      const answer = (await visitor({ vars }).get("/docs")).expectStatus(200);
      checkSecurityHeaders(answer);
      return answer.page();
    });

    await step("find what a developer looks for", () => {
      const { text } = docs.find("body");
      expect(docs.title, "the title of the page").toMatch(/\w/);
      for (const topic of ["/authorize", "/oauth/token", "/userinfo", "/.well-known/openid-configuration"]) {
        check(text.includes(topic), `the page speaks of ${topic}`).toBe(true);
      }
      // What a template or a proxy leaves in a page when something behind it broke.
      check(text, "the page").not.toMatch(/internal server error|undefined|\[object Object\]|\{\{|stack backtrace/i);
    });
  },
});

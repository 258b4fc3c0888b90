// The node that this region reaches says how it is, component by component.
//
// Notices: slow, error, outage, drop and truncated-body on /test, and a node whose store or certificate failed.

import { check, defineCheck, expect, log, step } from "tocsin";
import { caching } from "tocsin/http";
import { visitor } from "./auth-stack.ts";

export default defineCheck({
  description: "The node that this region reaches is well, by its own word",
  schedule: "every 30s",
  timeout: "5s",
  tags: ["health"],
  runbook: "https://runbooks.tocsin.test/node-health",

  async run({ vars }) {
    const site = visitor({ vars });

    const health = await step("ask the node", async () => {
      const answer = (await site.get("/test")).expectStatus(200);
      // A cached answer says how the node was.
      expect(caching(answer), "caching of the node's answer").toMatchObject({ noStore: true });
      return answer.json();
    });

    await step("read its answer", () => {
      log("node", { name: health.node, version: health.version, uptime_s: health.uptime_s });
      expect(health, "the node's answer").toMatchObject({ status: "ok", issuer: site.url("/") });
      for (const name of ["store", "signing-keys", "certificate"]) {
        check(health.components, "the node's components").toContainEqual(
          expect.objectContaining({ name, status: "ok" }),
        );
      }
    });
  },
});

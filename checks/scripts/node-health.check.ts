// The node that this region reaches says how it is, component by component.
//
// Notices: slow, error, outage, drop and truncated-body on /test, and a node whose store or certificate failed.

import { check, defineCheck, expect, log, step } from "tocsin";
import { json } from "./http/answer.ts";
import { Provider } from "./oidc/provider.ts";

export default defineCheck({
  description: "The node that this region reaches is well, by its own word",
  schedule: "every 30s",
  timeout: "5s",
  tags: ["health"],
  runbook: "https://runbooks.tocsin.test/node-health",

  async run({ vars }) {
    const provider = new Provider({ vars });

    const health = await step("ask the node", async () => {
      const response = await fetch(provider.url("/test"));
      const health = await json(response);
      // A cached answer says how the node was.
      expect(response).toHaveHeader("cache-control", /no-store/);
      return health;
    });

    await step("read its answer", () => {
      log("node", { name: health.node, version: health.version, uptime_s: health.uptime_s });
      expect(health, "the node's answer").toMatchObject({ status: "ok", issuer: provider.issuer });
      for (const name of ["store", "signing-keys", "certificate"]) {
        check(health.components, "the node's components").toContainEqual(
          expect.objectContaining({ name, status: "ok" }),
        );
      }
    });
  },
});

// A name leads where it should.
//
//   DNS_NAME = "www.example.com"
//   DNS_RESOLVER = "9.9.9.9"

import { check, defineCheck, expect, log, step } from "tocsin";
import { dns } from "tocsin/net";

export default defineCheck({
  description: "The name resolves",
  schedule: "every 1m",
  timeout: "10s",
  tags: ["dns"],

  async run({ vars }) {
    const answer = await step("ask the resolver", () =>
      // Leave `resolver` out to ask the machine's own; ask an authoritative server to see a change before caches do.
      dns(vars.DNS_NAME, "A", { resolver: vars.DNS_RESOLVER }),
    );

    // A name that does not exist is an answer too.
    expect(answer.rcode, `the answer for ${vars.DNS_NAME}`).toBe("NOERROR");
    const addresses = answer.records.filter((record) => record.type === "A").map((record) => record.address);
    log("resolved", { addresses, resolver: answer.resolver });
    expect(addresses, "addresses").not.toHaveLength(0);
    // Put the addresses here that it should have:
    //   expect(addresses).toContain("192.0.2.7");
    check(answer.durationMs, "milliseconds that the resolver took").toBeLessThan(1_000);
  },
});

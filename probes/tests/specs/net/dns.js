// Records of each type from a resolver of the script's choice.
import { check, defineCheck, expect, step } from "tocsin";
import { dns } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { DNS } }) {
    const ask = (name, type, options) => dns(name, type, { resolver: DNS, timeout: "25s", ...options });
    const data = async (name, type) => (await ask(name, type)).records;

    const www = await step("addresses", () => ask("www.example.test"));
    check(www).toMatchObject({
      rcode: "NOERROR",
      records: [
        { name: "www.example.test", type: "A", ttl: 300, address: "192.0.2.1" },
        { name: "www.example.test", type: "A", ttl: 300, address: "192.0.2.2" },
      ],
      authority: [],
      additional: [],
      authoritative: false,
      authenticated: false,
      truncated: false,
      resolver: DNS,
      transport: "udp",
      durationMs: expect.any(Number),
    });
    check(await data("WWW.example.test.", "AAAA")).toMatchObject([{ address: "2001:db8::1" }]);
    check(await data("alias.example.test", "A")).toMatchObject([{ type: "CNAME", target: "www.example.test" }]);
    check(await data("example.test", "MX")).toMatchObject([{ preference: 10, exchange: "mail.example.test" }]);
    check(await data("example.test", "NS")).toMatchObject([{ target: "ns1.example.test" }]);
    check(await data("example.test", "TXT")).toMatchObject([{ text: "v=spf1 -all" }]);
    check(await data("example.test", "CAA")).toMatchObject([{ critical: true, tag: "issue", value: "ca.example.test." }]);
    check(await data("_xmpp._tcp.example.test", "SRV")).toMatchObject([{ priority: 5, weight: 10, port: 5222, target: "chat.example.test" }]);
    check(await data("192.0.2.1", "PTR")).toMatchObject([{ name: "1.2.0.192.in-addr.arpa", target: "www.example.test" }]);
    check(await data("example.test", "SOA")).toMatchObject([
      { primary: "ns1.example.test", responsible: "hostmaster.example.test", serial: 42, refresh: 7200, retry: 600, expire: 86400, minimum: 60 },
    ]);

    check((await ask("secure.example.test", "A", { dnssec: true })).authenticated).toBe(true);
    const missing = await ask("nowhere.example.test");
    check(missing).toMatchObject({ rcode: "NXDOMAIN", records: [], authority: [{ type: "SOA" }] });

    const big = await ask("big.example.test", "TXT");
    check([big.transport, big.truncated, big.records.length]).toEqual(["tcp", false, 20]);
    const cut = await ask("big.example.test", "TXT", { transport: "udp" });
    check([cut.transport, cut.truncated, cut.records.length]).toEqual(["udp", true, 0]);
    check((await ask("www.example.test", "A", { transport: "tcp" })).transport).toBe("tcp");
    check((await ask("lost.example.test")).records).toMatchObject([{ address: "192.0.2.3" }]);
  },
});

// What the policy refuses to a fetch, it refuses here.
import { check, defineCheck, expect } from "tocsin";
import { connect, dns, inspectTls, ping, smtp, websocket } from "tocsin/net";

async function message(promise) {
  try {
    await promise;
    return "went there";
  } catch (error) {
    return error.message;
  }
}

export default defineCheck({
  schedule: "every 30s",
  async run() {
    const metadata = "169.254.169.254";
    // Each is waited for from the start: one that fails before its turn would be a promise that nobody awaits.
    const attempts = {
      connect: message(connect(`${metadata}:80`)),
      tls: message(inspectTls(metadata)),
      smtp: message(smtp(metadata)),
      dns: message(dns("example.com", "A", { resolver: metadata })),
      ping: message(ping(metadata)),
      websocket: message(websocket(`ws://${metadata}/`)),
      mapped: message(connect("[::ffff:169.254.169.254]:80")),
      decimal: message(connect("2852039166:80")),
    };
    for (const [name, attempt] of Object.entries(attempts)) {
      check(await attempt, name).toContain("is a cloud metadata service, which checks never reach");
    }
    expect(1).toBe(1);
    await connect("169.254.1.1:80");
  },
});

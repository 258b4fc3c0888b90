import { connection, defineCheck, expect, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { TARGET, TARGET_TLS } }) {
    await step("plain", () => fetch(`${TARGET}/hello`).then((response) => response.text()));
    const response = await step("secure", async () => fetch(`${TARGET_TLS}/hello#part`));
    expect(connection(response).phases.downloadMs).toBeUndefined();
    await response.text();
    const { phases, tls } = connection(response);
    for (const phase of ["connectMs", "tlsMs", "firstByteMs", "downloadMs"]) expect(phases[phase], phase).toBeGreaterThanOrEqual(0);
    // A name of the machine itself is not looked up.
    expect(phases.dnsMs).toBeUndefined();
    expect(tls.alpn).toBe("h2");
    expect(tls.certificates[0].daysLeft).toBeGreaterThan(1000);
    await fetch(`${TARGET_TLS}/hello`);
  },
});

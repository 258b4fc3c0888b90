import { connection, defineCheck, expect, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { TARGET, TARGET_TLS } }) {
    await step("plain", () => fetch(`${TARGET}/hello`).then((response) => response.text()));
    const response = await step("secure", async () => fetch(`${TARGET_TLS}/hello#part`));
    await response.text();
    const { tls } = connection(response);
    expect(tls.alpn).toBe("h2");
    expect(tls.certificates[0].daysLeft).toBeGreaterThan(1000);
    await fetch(`${TARGET_TLS}/hello`);
  },
});

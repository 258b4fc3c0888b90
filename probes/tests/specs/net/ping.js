import { check, defineCheck, expect } from "tocsin";
import { ping } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run() {
    const pinged = await ping("localhost", { count: 3, timeout: "20s" });
    check(pinged).toMatchObject({ address: expect.stringMatching(/^(127\.0\.0\.1|::1)$/), sent: 3, received: 3, lost: 0 });
    check(pinged.timesMs).toHaveLength(3);
    check(pinged.minMs).toBeGreaterThan(0);
    check(pinged.averageMs).toBeGreaterThanOrEqual(pinged.minMs);
    check(pinged.maxMs).toBeGreaterThanOrEqual(pinged.averageMs);
  },
});

// A proxy that is revoked.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const { proxy, revoke } = Proxy.revocable(() => {}, {});
    revoke();
    console.log(proxy);
    expect(proxy).toEqual({});
  },
});

import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { TARGET, TARGET_TLS } }) {
    for (const target of [TARGET, TARGET_TLS]) {
      const all = Array.from({ length: 20 }, async (_, n) => {
        const response = await fetch(`${target}/request?n=${n}`);
        return (await response.json()).path;
      });
      expect(await Promise.all(all)).toEqual(Array.from({ length: 20 }, (_, n) => `/request?n=${n}`));
    }
  },
});

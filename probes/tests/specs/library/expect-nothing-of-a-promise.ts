import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run() {
    await expect(Promise.resolve(1)).resolves.toBe(1);
    const ready: unknown = expect(Promise.resolve(1)).resolves;
    await ready;
  },
});

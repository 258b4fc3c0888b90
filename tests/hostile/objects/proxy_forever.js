// A prototype chain without an end.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const endless = () => new Proxy({}, { getPrototypeOf: endless, get: (target, key) => (typeof key === "symbol" ? undefined : endless()) });
    throw endless();
  },
});

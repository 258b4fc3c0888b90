import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    throw new Proxy({}, { get() { throw new Error("a"); }, getPrototypeOf() { throw new Error("b"); }, ownKeys() { throw new Error("c"); } });
  },
});

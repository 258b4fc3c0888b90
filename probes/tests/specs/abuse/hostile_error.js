import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const error = new Error("shown");
    Object.defineProperty(error, "stack", { get() { throw new Error("no stack"); } });
    Object.defineProperty(error, "name", { get() { throw error; } });
    Object.defineProperty(error, "cause", { get() { return new Proxy({}, { get() { throw 1; } }); } });
    throw error;
  },
});

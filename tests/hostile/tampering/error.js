// Nor Error and its subclasses.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    globalThis.Error = class Evil { constructor() { return { message: "evil" }; } };
    Error.captureStackTrace = () => { throw 1; };
    expect(1).toBe(2);
  },
});

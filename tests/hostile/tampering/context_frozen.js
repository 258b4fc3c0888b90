// The context cannot be changed for the library.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    try { ctx.check = "other"; } catch {}
    try { Object.defineProperty(ctx, "region", { value: "other" }); } catch {}
    expect(ctx.region).toBe("eu-west-1");
  },
});

import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    expect(ctx.check).toBe("context");
    expect(ctx.region).toBe("eu-west-1");
    expect(ctx.slot instanceof Date && ctx.slot.toISOString()).toBe("2026-11-23T20:40:00.000Z");
    expect(ctx.attempt).toBe(2);
    expect(ctx.vars.HOST).toBe("example.test");
    expect(ctx.secrets.PASSWORD).toBe("correct horse");
    expect(ctx.signal.aborted).toBe(false);
    expect(Object.isFrozen(ctx)).toBe(true);
  },
});

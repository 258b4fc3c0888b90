// A difference between large values is cut.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    expect(Array.from({ length: 20_000 }, (_, i) => i)).toEqual(Array.from({ length: 20_000 }, (_, i) => -i));
  },
});

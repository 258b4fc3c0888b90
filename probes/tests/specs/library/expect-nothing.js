// An expectation without a matcher looks at nothing, and would pass whatever is true.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  run() {
    expect(1).not.toBe(2);
    expect(1 === 2);
  },
});

import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  run() {
    const late = new Promise((resolve) => setTimeout(() => resolve(1), 50000));
    expect(late).resolves.toBe(2);
  },
});

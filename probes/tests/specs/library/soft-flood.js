import { check, defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  run() {
    for (let i = 0; i < 60; i++) check(i).toBe(-1);
  },
});

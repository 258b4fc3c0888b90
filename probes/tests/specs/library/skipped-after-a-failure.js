// What did not hold before a skip is not hidden by it.
import { check, defineCheck, skip } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  run() {
    check(1, "the first thing").toBe(2);
    skip("the rest is not there");
  },
});

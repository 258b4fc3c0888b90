import { check, defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    check(1).toBe(2);
    throw new Error("and then this");
  },
});

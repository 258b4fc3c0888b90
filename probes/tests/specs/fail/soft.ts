import { check, defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await step("first", () => {
      check(1, "one").toBe(2);
    });
    check("a").toEqual("b");
    console.log("went on");
  },
});

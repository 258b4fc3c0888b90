// What a soft `check` noted is told along with what ended the run.
import { check, defineCheck, expect, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run() {
    await step("first", async () => {
      await null;
      check(1, "noted").toBe(2);
    });
    expect(3, "ended by").toBe(4);
  },
});

// A failed `expect` ends the run: its message, its class, its innermost step and its line are the result's.
import { defineCheck, expect, log, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run() {
    await step("login", async () => {
      await step("token", async () => {
        expect(3, "the answer").toBe(4);
      });
      log("never reached");
    });
  },
});

// Steps are closed by who opened them.
import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const one = step("one", () => new Promise(() => {}));
    await step("two", () => step("two", () => {}));
    void one;
  },
});

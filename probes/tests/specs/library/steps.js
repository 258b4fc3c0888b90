// Steps nest by where they are called: one inside another, side by side, and after `await`.
import { defineCheck, expect, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run() {
    const value = await step("outer", async () => {
      const both = Promise.all([
        step("left", async () => {
          await null;
          await step("left inner", async () => 1);
          return 1;
        }),
        step("right", async () => {
          await new Promise((resolve) => setTimeout(resolve, 1));
          return step("right inner", () => 2);
        }),
      ]);
      return (await both).reduce((a, b) => a + b);
    });
    expect(value).toBe(3);
    expect(step("plain", () => "now")).toBe("now");
    const caught = await step("caught", async () => {
      throw new Error("went wrong");
    }).catch((error) => error.message);
    expect(caught).toBe("went wrong");
    expect(() =>
      step("thrown", () => {
        throw null;
      }),
    ).toThrow();
  },
});

import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { TARGET } }) {
    await step("slow", () => fetch(`${TARGET}/never`, { method: "POST", body: "x" }));
  },
});

import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    Object.prototype.check = "polluted";
    Object.prototype.toJSON = () => "polluted";
    Object.prototype.then = undefined;
    await step("after", () => {});
    throw new Error("told");
  },
});

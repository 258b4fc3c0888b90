// A clock of one's own moves no duration.
import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    Date.now = () => 0;
    performance.now = () => 1e9;
    globalThis.Date = class { static now() { return 0; } };
    await step("timed", () => {});
  },
});

import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    Error.prepareStackTrace = () => { for (;;); };
    Error.stackTraceLimit = 0;
    throw new Error("told");
  },
});

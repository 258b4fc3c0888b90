import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  timeout: NaN,
  async run() {},
});

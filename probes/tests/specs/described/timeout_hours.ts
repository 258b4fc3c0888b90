import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  timeout: "2h",
  async run() {},
});

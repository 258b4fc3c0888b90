import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  timeout: 0,
  async run() {},
});

import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  runbook: "see the wiki",
  async run() {},
});

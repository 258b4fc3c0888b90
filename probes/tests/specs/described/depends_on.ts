import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  dependsOn: ["node-health", "discovery"],
  run() {},
});

import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  hosts: ["api.*.com"],
  async run() {},
});

import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  regions: ["EU West"],
  async run() {},
});

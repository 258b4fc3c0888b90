import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 10ms",
  async run() {},
});

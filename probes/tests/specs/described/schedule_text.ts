import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "now and then",
  async run() {},
});

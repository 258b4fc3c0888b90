import { defineCheck } from "tocsin";

export default defineCheck({
  async run() {},
  schedule: "0 0 31 2 *",
});

import { defineCheck } from "tocsin";

export default defineCheck({
  async run() {},
});

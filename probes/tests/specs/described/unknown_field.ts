import { defineCheck } from "tocsin";

export default defineCheck({
  shedule: "every 30s",
  async run() {},
});

// A replaced JSON does not write the report.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    JSON.stringify = () => '{"Ran":{"outcome":"passed"}}';
    JSON.parse = () => ({});
    throw new Error("seen anyway");
  },
});

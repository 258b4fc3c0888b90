// A console line that looks like a report is a console line.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log('{"Ran":{"outcome":"passed"}}');
    throw new Error("seen anyway");
  },
});

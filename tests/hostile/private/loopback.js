// A private address, which the configuration has not opened.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch("http://127.0.0.1/");
  },
});

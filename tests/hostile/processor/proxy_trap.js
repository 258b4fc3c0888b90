// A trap that loops.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    new Proxy({}, { get() { for (;;) {} } }).anything;
  },
});

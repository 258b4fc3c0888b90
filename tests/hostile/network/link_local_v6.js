// An address that nobody reaches.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch("http://[fe80::1]/");
  },
});

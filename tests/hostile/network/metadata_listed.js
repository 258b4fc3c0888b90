// Listing the metadata service does not open it.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch("http://169.254.169.254/");
  },
});

// The cloud's metadata service, in another spelling.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch("http://169.254.169.254/");
  },
});

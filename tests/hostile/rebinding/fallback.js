// The public address of the answer refuses; the others would not, and are not tried.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch("http://both.fallback.rebind.test:81/");
  },
});

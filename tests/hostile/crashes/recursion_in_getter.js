// Recursion through getters.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const evil = { get a() { return this.a; } }; evil.a;
  },
});

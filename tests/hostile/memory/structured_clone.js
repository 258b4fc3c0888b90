// Clones without end.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    let value = [1]; for (;;) value = structuredClone([value, value]);
  },
});

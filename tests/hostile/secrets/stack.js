// In a stack.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const error = new Error('x'); error.stack = `Error: x\n    at ${ctx.secrets.TOKEN} (check:///a.js:1:1)`; throw error;
  },
});

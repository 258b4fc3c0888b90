import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await step("fill", () => { const all = []; for (;;) all.push(new Array(1000).fill(all.length)); });
  },
});

import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const cycle = {};
    cycle.cycle = cycle;
    return cycle;
  },
});

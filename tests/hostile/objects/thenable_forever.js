// A thenable of thenables.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const endless = { then(resolve) { resolve(endless); } };
    return endless;
  },
});

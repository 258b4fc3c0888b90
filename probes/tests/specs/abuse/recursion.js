import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const deeper = () => deeper() + 1;
    deeper();
  },
});

// One text of everything.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    'evil'.repeat(2 ** 29).length.toString().repeat(2 ** 28);
  },
});

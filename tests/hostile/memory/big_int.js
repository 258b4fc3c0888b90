// A number without end.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    let number = 3n; for (;;) number *= number;
  },
});

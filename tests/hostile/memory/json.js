// A text of JSON without end.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    let value = 'evil'; for (;;) value = JSON.stringify([value, value, value]);
  },
});

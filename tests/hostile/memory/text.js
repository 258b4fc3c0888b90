// A text that doubles.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    let text = 'evil'; for (;;) text += text;
  },
});

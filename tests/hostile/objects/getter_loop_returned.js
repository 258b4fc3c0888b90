// A returned value whose serialisation never ends.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    return { toJSON() { for (;;) {} } };
  },
});

// The metadata service of Google, where private networks are open.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch("http://[fd20:ce::254]/");
  },
});

// The metadata service of Scaleway, where private networks are open.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch("http://[fd00:42::42]/");
  },
});

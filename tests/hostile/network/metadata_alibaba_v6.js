// The metadata service of Alibaba, where private networks are open.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch("http://[fd00:100::100:200]/");
  },
});

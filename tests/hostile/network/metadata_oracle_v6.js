// The metadata service of Oracle, where private networks are open.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch("http://[fd00:c1::a9fe:a9fe]/");
  },
});

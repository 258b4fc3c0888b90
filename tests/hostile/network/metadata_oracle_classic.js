// The metadata service of Oracle Cloud Classic, where private networks are open.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch("http://192.0.0.192/");
  },
});

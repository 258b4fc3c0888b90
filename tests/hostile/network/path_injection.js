// Line breaks in a path are encoded.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const response = await fetch(`${ctx.vars.TARGET}/hello?a=\r\nevil:%0d%0a1`);
    if (response.status !== 200) throw new Error(`status ${response.status}`);
  },
});

// A redirect back to the name, which means something else by then.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log(await (await fetch("http://metadata.redirect.rebind.test/redirect")).text());
  },
});

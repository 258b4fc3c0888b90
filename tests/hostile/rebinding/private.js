// A name that is public, and then in the private network.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log(await (await fetch("http://private.private.rebind.test/")).text());
    console.log(await (await fetch("http://private.private.rebind.test/latest/meta-data/")).text());
  },
});

// A name that is public, and then the metadata service through a translator's prefix.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log(await (await fetch("http://nat64.nat64.rebind.test/")).text());
    console.log(await (await fetch("http://nat64.nat64.rebind.test/latest/meta-data/")).text());
  },
});

// A name that is public, and then the metadata service as IPv4 in IPv6.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log(await (await fetch("http://mapped.mapped.rebind.test/")).text());
    console.log(await (await fetch("http://mapped.mapped.rebind.test/latest/meta-data/")).text());
  },
});

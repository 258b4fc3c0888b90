// A name that is public, and then the metadata service.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log(await (await fetch("http://metadata.metadata.rebind.test/")).text());
    console.log(await (await fetch("http://metadata.metadata.rebind.test/latest/meta-data/")).text());
  },
});

// A name that the check lists, and that is lent to the metadata service.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log(await (await fetch("http://metadata.listed.rebind.test/")).text());
    console.log(await (await fetch("http://metadata.listed.rebind.test/latest/meta-data/")).text());
  },
});

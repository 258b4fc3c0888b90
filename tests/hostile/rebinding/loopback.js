// A name that is public, and then this machine.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log(await (await fetch("http://loopback.loopback.rebind.test/")).text());
    console.log(await (await fetch("http://loopback.loopback.rebind.test/latest/meta-data/")).text());
  },
});

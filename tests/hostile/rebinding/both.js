// Public and forbidden addresses in one answer: the public one is taken, every time.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (let i = 0; i < 20; i++) expect(await (await fetch("http://both.both.rebind.test/")).text()).toBe("9.9.9.9");
  },
});

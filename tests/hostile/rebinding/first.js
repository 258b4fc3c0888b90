// The forbidden address comes first: a second try does not make it right.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await expect(fetch("http://first.first.rebind.test/")).rejects.toThrow("169.254.169.254 is a cloud metadata service");
    expect(await (await fetch("http://first.first.rebind.test/")).text()).toBe("9.9.9.9");
  },
});

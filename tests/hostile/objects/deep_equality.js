// A structure as deep as it can be, compared.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    let one = {}; let two = {};
    for (let i = 0; i < 200_000; i++) { one = { one }; two = { one: two }; }
    expect(one).toEqual(two);
  },
});

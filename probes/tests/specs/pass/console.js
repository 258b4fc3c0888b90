import { defineCheck, log } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.debug("d");
    console.log("text %s %d", "a", 1, { b: [1, { c: 2 }] }, new Map([[1, 2]]));
    console.warn("w");
    console.error(new TypeError("e").message);
    console.log("two\nlines");
    log("from the library", { a: 1 });
  },
});

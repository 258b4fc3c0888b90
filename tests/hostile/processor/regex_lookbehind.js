// Another one.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    /^(\w+\s?)*$/.test('word '.repeat(40) + '!');
  },
});

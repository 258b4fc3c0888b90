// A thrown value whose message never comes.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    throw { get message() { for (;;) {} } };
  },
});

// Escaped by JSON, twice.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log(JSON.stringify({ a: ctx.secrets.TOKEN }), JSON.stringify(JSON.stringify({ a: ctx.secrets.TOKEN })));
  },
});

// So does eval.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (const name of ["process", "require", "Deno"]) if ((0, eval)(`typeof ${name}`) !== "undefined") throw new Error(`ESCAPED: ${name}`);
  },
});

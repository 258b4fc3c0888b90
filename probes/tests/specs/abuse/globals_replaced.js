import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    for (const name of ["Object", "Array", "Promise", "Error", "JSON", "Symbol", "Map", "Math", "Date", "String", "Reflect", "console", "fetch", "setTimeout"]) {
      globalThis[name] = undefined;
    }
    throw new TypeError("still told");
  },
});

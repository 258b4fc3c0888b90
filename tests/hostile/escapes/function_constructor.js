// Code from text sees the same world as the script.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const world = new Function("return this")();
    for (const name of ["process", "require", "Deno", "os", "std"]) if (name in world) throw new Error(`ESCAPED: ${name}`);
  },
});

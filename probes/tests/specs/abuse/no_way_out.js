import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const found = [];
    for (const name of ["Deno", "__bootstrap", "process", "require", "module", "Bun", "os", "std", "bjson", "scriptArgs", "load", "print"]) {
      if (typeof globalThis[name] !== "undefined") found.push(name);
    }
    if (globalThis[Symbol.for("tocsin.host")]) found.push("host");
    if (found.length) throw new Error(`reachable: ${found}`);
  },
});

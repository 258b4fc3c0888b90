// No operation of the engine can be reached from any global.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const seen = new Set();
    const queue = [[globalThis, "globalThis", 0]];
    while (queue.length > 0) {
      const [value, path, depth] = queue.pop();
      if (value === null || (typeof value !== "object" && typeof value !== "function") || seen.has(value) || depth > 4) continue;
      seen.add(value);
      for (const key of Reflect.ownKeys(value)) {
        if (/^op_/.test(String(key)) && typeof key === "string") throw new Error(`ESCAPED: ${path}.${key}`);
        const property = Object.getOwnPropertyDescriptor(value, key);
        if (property && "value" in property) queue.push([property.value, `${path}.${String(key)}`, depth + 1]);
      }
    }
  },
});

// Cycles and depth in the console.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const self = { name: "cycle" }; self.self = self; self.map = new Map([[self, self]]);
    let deep = {}; for (let i = 0; i < 50_000; i++) deep = { deep };
    console.log(self, deep);
  },
});

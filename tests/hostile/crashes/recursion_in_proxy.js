// Recursion through proxies.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    let p = new Proxy({}, {}); for (let i = 0; i < 200_000; i++) p = new Proxy(p, {}); p.x;
  },
});

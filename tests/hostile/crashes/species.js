// A species that lends another's memory.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    class Evil extends Uint8Array { static get [Symbol.species]() { return function () { return new Uint8Array(1); }; } } try { new Evil(1000).map((x) => 7); } catch (error) { if (!(error instanceof TypeError)) throw error; }
  },
});

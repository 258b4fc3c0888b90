import { defineCheck, expect } from "tocsin";

const ready = await new Promise<number>((resolve) => setTimeout(() => resolve(7), 1));

const definition = defineCheck({
  schedule: "every 1m",
  async run() {
    expect(ready).toBe(7);
  },
});

export default definition;

// Names that are no texts.
import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const name = { toString() { throw new Error("evil name"); }, [Symbol.toPrimitive]() { throw new Error("evil name"); } };
    await step(name, () => {});
  },
});

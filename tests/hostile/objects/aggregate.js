// An aggregate of a hundred thousand errors.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    throw new AggregateError(Array.from({ length: 100_000 }, () => new Error("many")), "aggregate");
  },
});

// An error that claims to be the prober's fault cannot silence a page with a class that does not exist.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const error = new Error("mine");
    error[Symbol.for("tocsin.class")] = "none-of-your-business";
    throw error;
  },
});

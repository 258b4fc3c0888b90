import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    throw Object.assign(new Error("x"), { [Symbol.for("tocsin.class")]: "weather" });
  },
});

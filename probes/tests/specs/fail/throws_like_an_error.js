import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    throw { name: "Odd", message: "has a message" };
  },
});

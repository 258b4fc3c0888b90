import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const inner = Object.assign(new Error("connection refused"), { [Symbol.for("tocsin.class")]: "network-connect" });
    throw new Error("the login failed", { cause: inner });
  },
});

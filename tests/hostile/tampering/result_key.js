// What a run returns says nothing about whose run it was.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    return { key: { check: "other", region: "other", slot: 1, attempt: 9 }, outcome: "passed", script_hash: "0" };
  },
});

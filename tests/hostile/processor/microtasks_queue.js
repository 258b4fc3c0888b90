// Microtasks that queue microtasks.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const again = () => queueMicrotask(again); again(); await new Promise(() => setTimeout(() => {}, 60_000));
  },
});

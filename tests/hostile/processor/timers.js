// Timers without end.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const again = () => { setTimeout(again, 0); setTimeout(again, 0); }; again(); await new Promise(() => {});
  },
});

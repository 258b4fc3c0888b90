// The signal is heard and ignored.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    ctx.signal.addEventListener('abort', () => { for (;;) {} }); await new Promise(() => setTimeout(() => {}, 60_000));
  },
});

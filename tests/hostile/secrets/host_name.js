// In the name of a host.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await fetch(`http://${ctx.secrets.TOKEN}.invalid/`).catch(() => {});
  },
});

// As many connections as there may be, held until the run is killed for it.
import { defineCheck } from "tocsin";
import { connect } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    globalThis.held = [];
    try {
      for (;;) held.push(await connect(ctx.vars.TALK));
    } catch {
      await Promise.all(held.map((connection) => connection.readLine({ timeout: "2m" })));
    }
  },
});

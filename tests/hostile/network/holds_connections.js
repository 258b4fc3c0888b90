// Connections that are opened and held: there are so many, and no more.
import { defineCheck } from "tocsin";
import { connect } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    globalThis.held = [];
    for (let i = 0; i < 1_000; i++) held.push(await connect(ctx.vars.TALK));
  },
});

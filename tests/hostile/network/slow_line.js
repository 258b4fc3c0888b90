// A line that never ends.
import { defineCheck } from "tocsin";
import { connect } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const connection = await connect(new URL(ctx.vars.SLOW).host);
    await connection.send("GET /head HTTP/1.1\r\n\r\n");
    await connection.readLine();
    await connection.readLine({ maxBytes: 50 });
  },
});

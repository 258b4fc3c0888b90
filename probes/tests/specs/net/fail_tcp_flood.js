import { defineCheck } from "tocsin";
import { connect } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars }) {
    const connection = await connect(vars.TALK);
    await connection.send("flood 2000000\n");
    await connection.readLine({ maxBytes: 1000 });
  },
});

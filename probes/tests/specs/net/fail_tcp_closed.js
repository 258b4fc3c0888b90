import { defineCheck } from "tocsin";
import { connect } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars }) {
    const connection = await connect(vars.TALK);
    await connection.send("bytes 3\nend\n");
    await connection.readLine();
  },
});

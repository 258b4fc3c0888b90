import { defineCheck } from "tocsin";
import { connect } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars }) {
    const connection = await connect(vars.TALK);
    await connection.send("silence\n");
    await connection.readLine({ timeout: "300ms" });
  },
});

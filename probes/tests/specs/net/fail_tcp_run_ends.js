// Without a time of its own, a read has the run's.
import { defineCheck, step } from "tocsin";
import { connect } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars }) {
    const connection = await connect(vars.TALK);
    await connection.send("silence\n");
    await step("hear something", () => connection.readBytes(1));
  },
});

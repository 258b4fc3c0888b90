import { defineCheck, step } from "tocsin";
import { connect } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars }) {
    await step("reach the queue", async () => {
      await connect(vars.CLOSED);
    });
  },
});

import { defineCheck } from "tocsin";
import { inspectTls } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars }) {
    await inspectTls(vars.MAIL_ODD);
  },
});

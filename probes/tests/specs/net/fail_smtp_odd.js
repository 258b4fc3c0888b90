import { defineCheck } from "tocsin";
import { smtp } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars }) {
    await smtp(vars.MAIL_ODD);
  },
});

import { defineCheck } from "tocsin";
import { connect } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars }) {
    await connect(vars.TLS_EXPIRED, { tls: true });
  },
});

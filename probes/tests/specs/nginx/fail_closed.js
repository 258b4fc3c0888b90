import { defineCheck } from "tocsin";

// The server hangs up instead of answering.
export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { NGINX } }) {
    await fetch(`${NGINX}/closed`);
  },
});

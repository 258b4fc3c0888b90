import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  secrets: { LOGIN_PASSWORD: { hosts: [1] } },
  async run() {},
});

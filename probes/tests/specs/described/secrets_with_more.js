import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  secrets: { LOGIN_PASSWORD: { hosts: ["a.test"], ports: [1] } },
  async run() {},
});

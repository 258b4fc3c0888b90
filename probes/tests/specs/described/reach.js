import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  hosts: ["API.example.com", "*.example.net:8443", "[2001:db8::1]"], secrets: { LOGIN_PASSWORD: { hosts: ["login.example.com"] } },
  async run() {},
});

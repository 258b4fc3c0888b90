import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  hosts: ["https://api.example.com"],
  async run() {},
});

import { defineCheck } from "tocsin";
import { dns } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars }) {
    await dns("www.example.test", "A", { resolver: vars.CLOSED, transport: "tcp" });
  },
});

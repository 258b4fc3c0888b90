import { defineCheck } from "tocsin";
import { dns } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars }) {
    await dns("other.example.test", "A", { resolver: vars.DNS });
  },
});

import { defineCheck, expect, step } from "tocsin";
import { dns } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { DNS } }) {
    await step("the mail's name", async () => {
      expect(await dns("example.test", "MX", { resolver: DNS })).toMatchObject({ rcode: "NOERROR" });
    });
  },
});

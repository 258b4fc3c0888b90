import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars }) {
    await step("token", async () => {
      const response = await fetch("http://169.254.169.254/latest/meta-data/");
      await response.text();
    });
  },
});

import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars }) {
    await step("token", async () => {
      const response = await fetch(`${vars.TARGET}/redirect/302?to=http://[::ffff:169.254.169.254]/`);
      await response.text();
    });
  },
});

import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars }) {
    await step("token", async () => {
      const response = await fetch(`${vars.TARGET_CLOSED}/token?code=1`);
      await response.text();
    });
  },
});

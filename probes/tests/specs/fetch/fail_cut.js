import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars }) {
    await step("token", async () => {
      const response = await fetch(`${vars.TARGET_TLS}/cut?code=1`);
      const reader = response.body.getReader();
      await reader.read();
      await fetch(`${vars.TARGET_TLS}/cut/now`);
      await reader.read();
    });
  },
});

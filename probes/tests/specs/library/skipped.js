import { defineCheck, skip, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ region }) {
    await step("passkeys", async () => {
      skip(`passkeys are not offered in ${region}`);
    });
    throw new Error("never reached");
  },
});

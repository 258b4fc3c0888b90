import { defineCheck, metric, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run() {
    metric("queue_depth", 17);
    await step("read the mail", async () => {
      await null;
      metric("mail.delay", 0.25, { unit: "s", tags: { folder: "inbox", unread: true } });
    });
    throw new Error("and what was measured is kept");
  },
});

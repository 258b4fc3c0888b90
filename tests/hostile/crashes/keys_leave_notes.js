// An engine that panics, and what the run had noted until then.
import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    console.log("signing in");
    await step("login", async () => {
      await step("x", async () => {
        for (let i = 0; i < 20_000; i++) await crypto.subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', false, ['encrypt']);
      });
    });
  },
});

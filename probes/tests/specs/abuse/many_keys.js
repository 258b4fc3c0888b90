import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const keys = [];
    for (let i = 0; i < 20_000; i++) keys.push(await crypto.subtle.importKey("raw", new Uint8Array(16), "AES-GCM", false, ["encrypt"]));
  },
});

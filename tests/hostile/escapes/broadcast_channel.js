// A channel reaches nobody outside of the run.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    if (typeof BroadcastChannel === "undefined") return;
    const channel = new BroadcastChannel("runs");
    let heard = 0;
    channel.onmessage = () => heard++;
    channel.postMessage("anybody?");
    await new Promise((resolve) => setTimeout(resolve, 20));
    channel.close();
    if (heard) throw new Error("ESCAPED");
  },
});

import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { TARGET } }) {
    const body = new ReadableStream({
      pull() {
        throw new Error("out of ink");
      },
    });
    await fetch(`${TARGET}/echo`, { method: "POST", body, duplex: "half" });
  },
});

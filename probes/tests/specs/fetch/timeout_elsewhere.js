import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { TARGET } }) {
    await (await fetch(`${TARGET}/hello`)).text();
    await new Promise(() => setTimeout(() => {}, 60_000));
  },
});

import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { TARGET } }) {
    await fetch(`${TARGET}/loop`);
  },
});

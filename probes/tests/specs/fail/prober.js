// A run that cannot be made says so, and nothing about the target: its order trusts an authority that cannot be read.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run() {
    await fetch("http://127.0.0.1:9/");
  },
});

// A variable that is not set ends the run where it is asked for.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  run({ vars }) {
    if ("AUTH_URI" in vars) return;
    new URL(vars.AUTH_URI);
  },
});

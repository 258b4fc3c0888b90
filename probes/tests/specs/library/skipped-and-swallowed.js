// A run that would end well after its script swallowed a skip has not passed: that would end an incident.
import { defineCheck, skip } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  run() {
    try {
      skip("not today");
    } catch (error) {
      console.log(`${error}`);
    }
  },
});

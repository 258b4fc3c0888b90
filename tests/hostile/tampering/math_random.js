// Predicting the numbers of other runs by replacing the generator changes this run alone.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    Math.random = () => 0.5;
    crypto.getRandomValues = (array) => array;
    crypto.randomUUID = () => "0";
  },
});

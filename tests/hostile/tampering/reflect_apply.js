// Nor Reflect.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    Reflect.apply = () => undefined;
    Reflect.ownKeys = () => [];
    Function.prototype.call = () => undefined;
    Function.prototype.apply = () => undefined;
    throw new Error("seen anyway");
  },
});

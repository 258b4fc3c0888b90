import { defineCheck, step } from "tocsin";
import { open } from "./modules/door.ts";

interface Key {
  shape: string;
}

export default defineCheck({
  schedule: "every 30s",
  async run() {
    const key: Key = { shape: "wrong" };
    await step("enter", async () => {
      await step("door", async () => {
        open(key.shape);
      });
    });
  },
});

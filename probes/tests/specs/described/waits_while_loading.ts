import { defineCheck } from "tocsin";

await new Promise(() => {});

export default defineCheck({ schedule: "every 30s", async run() {} });

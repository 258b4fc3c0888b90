import { defineCheck } from "tocsin";

for (;;);

export default defineCheck({ schedule: "every 30s", async run() {} });

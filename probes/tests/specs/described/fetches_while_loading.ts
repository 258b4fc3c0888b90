import { defineCheck } from "tocsin";

const page = await fetch("https://example.com/");

export default defineCheck({ schedule: "every 30s", description: await page.text(), async run() {} });

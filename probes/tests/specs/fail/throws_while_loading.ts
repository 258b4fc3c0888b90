import { defineCheck } from "tocsin";

type Nothing = never;

throw new Error("not even loaded");

export default defineCheck({ schedule: "every 30s", async run() {} });

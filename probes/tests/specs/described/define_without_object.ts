import { defineCheck } from "tocsin";

export default defineCheck("every 30s");

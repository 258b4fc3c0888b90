import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars }) {
    await expect(new Response("{").json()).rejects.toThrow(SyntaxError);
    const response = await fetch(`${vars.TARGET}/html?code=1`);
    await response.json();
  },
});

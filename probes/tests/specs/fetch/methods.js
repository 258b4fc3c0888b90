import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { TARGET, TARGET_TLS } }) {
    for (const target of [TARGET, TARGET_TLS]) {
      const head = await fetch(`${target}/hello`, { method: "HEAD" });
      expect([head.status, await head.text(), head.body]).toEqual([200, "", null]);
      for (const method of ["GET", "DELETE", "OPTIONS", "PATCH", "PUT", "POST", "PURGE"]) {
        expect((await (await fetch(`${target}/request`, { method })).json()).method).toBe(method);
      }
      for (const status of [201, 204, 304, 400, 404, 500, 503]) {
        const response = await fetch(`${target}/status/${status}`);
        expect([response.status, response.ok, response.type]).toEqual([status, status < 300, "basic"]);
      }
    }
    expect((await fetch(`${TARGET}/status/404`)).statusText).toBe("Not Found");
    expect(() => new Request(TARGET, { method: "CONNECT" })).toThrow(TypeError);
  },
});

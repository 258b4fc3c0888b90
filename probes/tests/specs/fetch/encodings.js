import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { TARGET } }) {
    for (const coding of ["gzip", "deflate", "br", "zstd", "gzip-br"]) {
      const response = await fetch(`${TARGET}/encoded/${coding}`);
      expect(await response.text(), coding).toBe("hello ".repeat(1000));
      expect(response.headers.get("content-encoding"), coding).toBe(coding.replace("-", ", "));
    }
    const seen = await (await fetch(`${TARGET}/request`)).json();
    expect(seen.headers["accept-encoding"]).toBe("gzip, deflate, br, zstd");
    const own = await (await fetch(`${TARGET}/request`, { headers: { "accept-encoding": "identity" } })).json();
    expect(own.headers["accept-encoding"]).toBe("identity");
  },
});

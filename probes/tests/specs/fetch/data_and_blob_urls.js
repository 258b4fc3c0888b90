import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run() {
    const data = await fetch("data:text/plain;charset=utf-8;base64,aGVsbG8=");
    expect([data.status, data.headers.get("content-type"), await data.text()])
      .toEqual([200, "text/plain;charset=utf-8", "hello"]);
    expect((await (await fetch("data:,a%20b")).text())).toBe("a b");
    const url = URL.createObjectURL(new Blob(["blob"], { type: "text/x" }));
    const blob = await fetch(url);
    expect([blob.headers.get("content-type"), await blob.text()]).toEqual(["text/x", "blob"]);
    URL.revokeObjectURL(url);
    await expect(fetch(url)).rejects.toThrow(TypeError);
    for (const other of ["file:///etc/passwd", "ftp://x.test/", "nonsense", "http://localhost:25/"]) {
      await expect(fetch(other), other).rejects.toThrow(TypeError);
    }
  },
});

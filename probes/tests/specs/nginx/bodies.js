import { connection, defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { NGINX, NGINX_TLS } }) {
    for (const site of [NGINX, NGINX_TLS]) {
      // Compressed on the way, so that its length is not known before: chunked in HTTP/1.1.
      const gzip = await fetch(`${site}/gzip`);
      expect([gzip.headers.get("content-encoding"), gzip.headers.get("content-length")], site).toEqual(["gzip", null]);
      expect(await gzip.text()).toBe("hello ".repeat(1000));
      const plain = await fetch(`${site}/gzip`, { headers: { "accept-encoding": "identity" } });
      expect([plain.headers.get("content-encoding"), plain.headers.get("content-length")], site).toEqual([null, "6000"]);
      expect(await plain.text()).toBe("hello ".repeat(1000));

      // Ranges (RFC 9110, section 14).
      const range = (value) => fetch(`${site}/alphabet`, { headers: { range: value } });
      const part = await range("bytes=3-5");
      expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([206, "bytes 3-5/26", "def"]);
      expect(await (await range("bytes=-2")).text()).toBe("yz");
      const beyond = await range("bytes=99-");
      expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */26"]);
      const several = await range("bytes=0-1,4-5");
      expect(several.headers.get("content-type")).toMatch(/^multipart\/byteranges; boundary=/);
      expect(await several.text()).toMatch(/content-range: bytes 0-1\/26\r\n\r\nab\r\n.*bytes 4-5\/26\r\n\r\nef\r\n/is);

      // Answers without a body, whatever their headers say.
      const head = await fetch(`${site}/alphabet`, { method: "HEAD" });
      expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "26", ""]);
      const none = await fetch(`${site}/no-content`);
      expect([none.status, none.body, await none.text()]).toEqual([204, null, ""]);
      const etag = head.headers.get("etag");
      const same = await fetch(`${site}/alphabet`, { headers: { "if-none-match": etag } });
      expect([same.status, same.body, await same.text()]).toEqual([304, null, ""]);
      const other = await fetch(`${site}/alphabet`, { headers: { "if-none-match": '"other"' } });
      expect([other.status, (await other.text()).length]).toEqual([200, 26]);

      // A connection is used again after each of them.
      const again = await fetch(`${site}/teapot`);
      expect([again.status, await again.text()]).toEqual([418, "short and stout"]);
      expect(connection(again).phases.connectMs).toBeUndefined();

      const large = await (await fetch(`${site}/large`)).arrayBuffer();
      expect(large.byteLength).toBe(8 << 20);
    }
    const latin = new Uint8Array(await (await fetch(`${NGINX}/latin`)).arrayBuffer());
    expect(new TextDecoder("iso-8859-1").decode(latin)).toBe("café");

    // Sent bodies: of a known length, as a stream, and with a word of the server's before it.
    const seen = async (init) => (await (await fetch(`${NGINX}/seen`, { method: "POST", ...init })).text()).split("|");
    expect((await seen({ body: "x".repeat(5_000) }))[1]).toHaveLength(5_000);
    expect((await seen({ body: ReadableStream.from(["one ", "two"]).pipeThrough(new TextEncoderStream()), duplex: "half" }))[1]).toBe("one two");
    expect((await seen({ body: "after a 100", headers: { expect: "100-continue" } }))[1]).toBe("after a 100");

    // A server that has read enough answers and hangs up.
    const tooLarge = await fetch(`${NGINX}/small`, { method: "POST", body: "x".repeat(2000) });
    expect(tooLarge.status).toBe(413);
    await tooLarge.text();
  },
});

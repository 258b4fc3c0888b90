// Encoded bodies: what comes over the wire is decoded, and the headers stay as they were.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  timeout: "30s",
  async run({ vars }) {
    const file = `${vars.AUTH_URL}/cdn/auth.min.js`;
    const encoded = await fetch(file);
    expect([encoded.headers.get("content-encoding"), encoded.headers.get("vary")]).toEqual(["gzip", "Accept-Encoding"]);
    const text = await encoded.text();
    expect(Number(encoded.headers.get("content-length"))).toBeLessThan(text.length);

    const plain = await fetch(file, { headers: { "accept-encoding": "identity" } });
    expect(plain.headers.get("content-encoding")).toBeNull();
    expect(plain.headers.get("content-length")).toBe(`${text.length}`);
    expect(await plain.text()).toBe(text);
    const none = await fetch(file, { headers: { "accept-encoding": "br, gzip;q=0" } });
    expect(none.headers.get("content-encoding")).toBeNull();
    expect((await none.arrayBuffer()).byteLength).toBe(text.length);

    // Piece by piece, the decoded bytes.
    let length = 0;
    for await (const piece of (await fetch(file)).body!) length += piece.length;
    expect(length).toBe(text.length);

    // What the client has already: no body, whatever the headers of the other answer would say.
    const etag = encoded.headers.get("etag")!;
    expect(etag).not.toBe(plain.headers.get("etag"));
    const same = await fetch(file, { headers: { "if-none-match": etag } });
    expect([same.status, same.body, await same.text()]).toEqual([304, null, ""]);
    const other = await fetch(file, { headers: { "if-none-match": plain.headers.get("etag")! } });
    expect([other.status, await other.text()]).toEqual([200, text]);
    const head = await fetch(file, { method: "HEAD" });
    expect([head.headers.get("content-encoding"), await head.text()]).toEqual(["gzip", ""]);
  },
});

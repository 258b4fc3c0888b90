import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { TARGET } }) {
    const sent = async (body, headers = {}) =>
      (await fetch(`${TARGET}/request`, { method: "POST", body, headers })).json();

    const text = await sent("größer");
    expect([text.body, text.headers["content-type"], text.headers["content-length"]])
      .toEqual(["größer", "text/plain;charset=UTF-8", "8"]);

    const form = await sent(new URLSearchParams({ grant_type: "password", scope: "a b&c" }));
    expect([form.body, form.headers["content-type"]])
      .toEqual(["grant_type=password&scope=a+b%26c", "application/x-www-form-urlencoded;charset=UTF-8"]);

    const json = await sent(JSON.stringify({ a: [1] }), { "content-type": "application/json" });
    expect([JSON.parse(json.body), json.headers["content-type"]]).toEqual([{ a: [1] }, "application/json"]);

    const bytes = await sent(new Uint8Array([104, 105]).buffer);
    expect([bytes.body, bytes.headers["content-type"]]).toEqual(["hi", undefined]);

    const blob = await sent(new Blob(["bl", "ob"], { type: "text/x" }));
    expect([blob.body, blob.headers["content-type"]]).toEqual(["blob", "text/x"]);

    const multipart = new FormData();
    multipart.append("field", "value");
    multipart.append("file", new File(["content"], "name.txt", { type: "text/plain" }));
    const echoed = await fetch(`${TARGET}/echo`, { method: "POST", body: multipart });
    const back = await echoed.formData();
    expect([back.get("field"), back.get("file").name, await back.get("file").text()])
      .toEqual(["value", "name.txt", "content"]);

    const empty = await sent(undefined);
    expect([empty.body_bytes, empty.headers["content-length"]]).toEqual([0, "0"]);
    await expect(fetch(TARGET, { method: "GET", body: "x" })).rejects.toThrow(TypeError);

    const request = new Request(`${TARGET}/request`, { method: "PUT", body: "once", headers: { "x-a": "1" } });
    const fromRequest = await (await fetch(request.clone())).json();
    expect([fromRequest.method, fromRequest.body, fromRequest.headers["x-a"]]).toEqual(["PUT", "once", "1"]);
  },
});

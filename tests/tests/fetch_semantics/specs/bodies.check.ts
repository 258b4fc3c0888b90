// Bodies that are sent and read, each in every way that there is.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  timeout: "30s",
  secrets: ["LOGIN_PASSWORD", "NATIVE_SECRET"],
  async run({ vars, secrets }) {
    const site = vars.AUTH_URL!;
    const grant = new URLSearchParams({
      grant_type: "password",
      client_id: vars.NATIVE_CLIENT_ID!,
      client_secret: secrets.NATIVE_SECRET,
      username: vars.USER_EMAIL!,
      password: secrets.LOGIN_PASSWORD,
    });
    const form = "application/x-www-form-urlencoded";
    const bytes = new TextEncoder().encode(String(grant));
    const ask = (body: BodyInit, headers: HeadersInit = {}, more: object = {}) =>
      fetch(`${site}/oauth/token`, { method: "POST", body, headers, ...more });

    // The type comes with what says it, and is the script's to say of anything else.
    expect((await ask(grant)).status).toBe(200);
    for (const [name, body] of Object.entries({
      "a text": String(grant),
      "bytes": bytes,
      "a buffer": bytes.buffer as ArrayBuffer,
      "part of a buffer": new Uint8Array([0, ...bytes, 0]).subarray(1, -1),
      "a blob": new Blob([bytes]),
    })) {
      expect((await ask(body, { "content-type": form })).status, name).toBe(200);
    }
    expect((await ask(new Blob([bytes], { type: form }))).status, "a blob of a type").toBe(200);
    expect((await ask(String(grant))).status, "a text of no type of ours").toBe(400);
    // Piece by piece, of a length that nobody knows before.
    const pieces = ReadableStream.from([bytes.slice(0, 5), bytes.slice(5, 6), bytes.slice(6)]);
    expect((await ask(pieces, { "content-type": form }, { duplex: "half" })).status, "a stream").toBe(200);
    const request = new Request(`${site}/oauth/token`, { method: "POST", body: grant });
    expect((await fetch(request.clone())).status).toBe(200);
    expect((await fetch(request)).status).toBe(200);
    await expect(fetch(request), "a request whose body is used").rejects.toThrow(TypeError);
    await expect(fetch(`${site}/test`, { body: "x" }), "a GET with a body").rejects.toThrow(TypeError);
    // More than the server takes.
    expect((await ask("x".repeat(100_000), { "content-type": form })).status).toBe(413);

    // Read once, in each way.
    const answer = await ask(grant);
    expect([answer.bodyUsed, answer.headers.get("content-type")]).toEqual([false, "application/json"]);
    const twin = answer.clone();
    const tokens = await answer.json();
    expect([answer.bodyUsed, twin.bodyUsed]).toEqual([true, false]);
    await expect(answer.text()).rejects.toThrow(TypeError);
    expect(() => answer.clone()).toThrow(TypeError);
    expect(JSON.parse(new TextDecoder().decode(await twin.arrayBuffer()))).toEqual(tokens);
    const refused = await ask(new URLSearchParams({ grant_type: "password", client_id: "nobody" }));
    expect([refused.ok, refused.status]).toEqual([false, 401]);
    expect((await refused.json()).error).toBe("invalid_client");
    await expect(fetch(`${site}/login`).then((response) => response.json())).rejects.toThrow(SyntaxError);
    const blob = await (await fetch(`${site}/cdn/auth.css`)).blob();
    // As a MIME type is written, not as the server wrote it.
    expect(blob.type).toBe("text/css;charset=utf-8");
    expect(blob.size).toBeGreaterThan(100);
    const head = await fetch(`${site}/cdn/auth.css`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    // A stream that is read is locked, and what is left of it can be given up.
    const streamed = await fetch(`${site}/cdn/auth.min.js`);
    const reader = streamed.body!.getReader();
    const first = await reader.read();
    expect([first.done, first.value instanceof Uint8Array, streamed.body!.locked]).toEqual([false, true, true]);
    await expect(streamed.text()).rejects.toThrow(TypeError);
    await reader.cancel("enough");
    expect((await fetch(`${site}/test`)).status).toBe(200);
  },
});

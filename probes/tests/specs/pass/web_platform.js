import { defineCheck, expect } from "tocsin";

const names = [
  "AbortController", "AbortSignal", "Blob", "ByteLengthQueuingStrategy", "CompressionStream", "CountQueuingStrategy",
  "Crypto", "CryptoKey", "CustomEvent", "DOMException", "DecompressionStream", "Event", "EventTarget", "File",
  "FileReader", "FormData", "Headers", "MessageChannel", "MessagePort", "ReadableStream", "Request", "Response",
  "SubtleCrypto", "TextDecoder", "TextDecoderStream", "TextEncoder", "TextEncoderStream", "TransformStream", "URL",
  "URLPattern", "URLSearchParams", "WritableStream", "atob", "btoa", "clearInterval", "clearTimeout", "fetch",
  "queueMicrotask", "reportError", "setInterval", "setTimeout", "structuredClone",
];

export default defineCheck({
  schedule: "every 30s",
  async run() {
    for (const name of names) expect(typeof globalThis[name], name).toBe("function");
    expect(globalThis.self === globalThis).toBe(true);
    expect(new URL("../b?q=ä#f", "https://example.test/a/c").href).toBe("https://example.test/b?q=%C3%A4#f");
    expect(new TextDecoder().decode(new TextEncoder().encode("größer"))).toBe("größer");
    expect(atob(btoa("text"))).toBe("text");
    expect(structuredClone({ a: [1, new Date(0)] })).toEqual({ a: [1, new Date(0)] });
    expect(await new Blob(["a", new Uint8Array([98])]).text()).toBe("ab");
    expect(new Headers([["a", "1"], ["A", "2"]]).get("a")).toBe("1, 2");
    expect(await new Response(JSON.stringify({ a: 1 })).json()).toEqual({ a: 1 });
    const form = new FormData();
    form.append("field", "value");
    expect((await new Request("http://x.test/", { method: "POST", body: form }).formData()).get("field")).toBe("value");
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("abc"));
    expect(new Uint8Array(digest)[0]).toBe(0xba);
    const key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
    const signature = await crypto.subtle.sign("HMAC", key, new Uint8Array(3));
    expect(await crypto.subtle.verify("HMAC", key, signature, new Uint8Array(3))).toBe(true);
    const gzipped = new Response("squeeze").body.pipeThrough(new CompressionStream("gzip"));
    expect(await new Response(gzipped.pipeThrough(new DecompressionStream("gzip"))).text()).toBe("squeeze");
    const waited = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(performance.now() - waited >= 4).toBe(true);
    expect(performance.now() < 60_000).toBe(true);
    const aborted = AbortSignal.abort();
    expect(aborted.reason.name).toBe("AbortError");
    expect(new Date(0).getTimezoneOffset()).toBe(0);
  },
});

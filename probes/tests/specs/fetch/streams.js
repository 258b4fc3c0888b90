import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { TARGET, TARGET_TLS } }) {
    let total = 0;
    for await (const piece of (await fetch(`${TARGET}/bytes/5000000`)).body) total += piece.length;
    expect(total).toBe(5_000_000);
    expect((await (await fetch(`${TARGET_TLS}/bytes/5000000`)).arrayBuffer()).byteLength).toBe(5_000_000);

    for (const target of [TARGET, TARGET_TLS]) {
      // The second piece is written when the first one has come back.
      let write;
      const body = new ReadableStream({ start: (controller) => { write = controller; } });
      const encoder = new TextEncoder(), decoder = new TextDecoder();
      write.enqueue(encoder.encode("one "));
      const response = await fetch(`${target}/echo`, { method: "POST", body, duplex: "half" });
      const reader = response.body.getReader();
      expect(decoder.decode((await reader.read()).value)).toBe("one ");
      write.enqueue(encoder.encode("two"));
      write.close();
      expect(decoder.decode((await reader.read()).value)).toBe("two");
      expect((await reader.read()).done).toBe(true);
    }

    const lines = (await fetch(`${TARGET}/hello`)).body.pipeThrough(new TextDecoderStream());
    let text = "";
    for await (const piece of lines) text += piece;
    expect(text).toBe("hello");

    const cloned = await fetch(`${TARGET}/hello`);
    const [one, two] = await Promise.all([cloned.clone().text(), cloned.text()]);
    expect([one, two]).toEqual(["hello", "hello"]);

    const cancelled = await fetch(`${TARGET}/stall`);
    const reader = cancelled.body.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe("first");
    await reader.cancel();
    expect(await (await fetch(`${TARGET}/hello`)).text()).toBe("hello");
  },
});

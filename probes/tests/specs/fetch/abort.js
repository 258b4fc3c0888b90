import { defineCheck, expect } from "tocsin";

const thrown = async (promise) => {
  try {
    await promise;
  } catch (error) {
    return error;
  }
};

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { TARGET } }) {
    expect((await thrown(fetch(`${TARGET}/hello`, { signal: AbortSignal.abort() }))).name).toBe("AbortError");

    const late = await thrown(fetch(`${TARGET}/never`, { signal: AbortSignal.timeout(1000) }));
    expect(late.name).toBe("TimeoutError");

    const controller = new AbortController();
    const waiting = fetch(`${TARGET}/never`, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 1000);
    expect((await thrown(waiting)).message).toBe("enough");

    // Aborted when the head is there, however long that took.
    const later = new AbortController();
    const inBody = await fetch(`${TARGET}/stall`, { signal: later.signal });
    setTimeout(() => later.abort(new DOMException("late", "TimeoutError")), 10);
    expect((await thrown(inBody.text())).name).toBe("TimeoutError");

    expect(await (await fetch(`${TARGET}/hello`, { signal: AbortSignal.timeout(40_000) })).text()).toBe("hello");
  },
});

// Requests that are given up: before they begin, before the head, within the body, and when all is over.
import { defineCheck, expect } from "tocsin";

const reason = (promise: Promise<unknown>) => promise.then(() => "nothing", (error) => error);

export default defineCheck({
  schedule: "every 30s",
  timeout: "30s",
  async run({ vars }) {
    const site = vars.AUTH_URL!;
    // `docs` does not answer for a minute.
    const late = `${site}/docs`;
    expect((await reason(fetch(late, { signal: AbortSignal.abort() }))).name).toBe("AbortError");
    expect((await reason(fetch(late, { signal: AbortSignal.timeout(50) }))).name).toBe("TimeoutError");
    const controller = new AbortController();
    const waiting = fetch(late, { signal: controller.signal });
    const other = fetch(new Request(late, { signal: controller.signal }));
    setTimeout(() => controller.abort("enough"), 50);
    expect([await reason(waiting), await reason(other)]).toEqual(["enough", "enough"]);
    const either = AbortSignal.any([new AbortController().signal, AbortSignal.timeout(50)]);
    expect((await reason(fetch(late, { signal: either }))).name).toBe("TimeoutError");
    // Others go on meanwhile, and afterwards.
    const slow = fetch(late, { signal: AbortSignal.timeout(200) });
    expect((await fetch(`${site}/test`)).status).toBe(200);
    expect((await reason(slow)).name).toBe("TimeoutError");

    // Within the body: what has not been read is not given any more.
    const inBody = new AbortController();
    const answer = await fetch(`${site}/cdn/auth.min.js`, { signal: inBody.signal });
    inBody.abort(new DOMException("no more", "AbortError"));
    expect((await reason(answer.text())).message).toBe("no more");
    const inStream = new AbortController();
    const streamed = await fetch(`${site}/cdn/auth.min.js`, { signal: inStream.signal });
    const reader = streamed.body!.getReader();
    inStream.abort("no more");
    expect(await reason(reader.read().then(() => reader.read()))).toBe("no more");
    // After all is read, nothing is left to give up.
    const whole = new AbortController();
    const text = await (await fetch(`${site}/cdn/auth.css`, { signal: whole.signal })).text();
    whole.abort();
    expect(text.length).toBeGreaterThan(100);
    expect((await fetch(`${site}/test`)).status).toBe(200);
  },
});

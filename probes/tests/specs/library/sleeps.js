import { check, defineCheck, expect, sleep } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run({ signal }) {
    const began = performance.now();
    await sleep("20ms");
    await sleep(20);
    check(performance.now() - began).toBeGreaterThanOrEqual(39);
    const reason = await sleep("40s", { signal: AbortSignal.timeout(10) }).catch((error) => error.name);
    check(reason).toBe("TimeoutError");
    check(signal.aborted).toBe(false);
    expect(() => sleep("1h")).toThrow("sleep takes milliseconds, or a text such as");
    expect(() => sleep(-1)).toThrow("it was given -1");
    sleep("2m");
  },
});

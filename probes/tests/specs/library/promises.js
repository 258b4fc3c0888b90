// `.resolves` and `.rejects`. The class of what was thrown stays: a refused connection is no wrong answer.
import { AssertionError, check, defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run() {
    const refused = () =>
      Promise.reject(Object.assign(new TypeError("refused"), { [Symbol.for("tocsin.class")]: "network-connect" }));

    await expect(Promise.resolve(1)).resolves.toBe(1);
    await expect(Promise.resolve(1)).resolves.not.toBe(2);
    await expect(Promise.reject(new Error("too long"))).rejects.toThrow("long");
    await expect(Promise.reject("text")).rejects.toBe("text");
    await expect(Promise.reject("text")).rejects.not.toBe("another");
    await expect(Promise.reject(new Error("too long"))).rejects.not.toThrow("short");
    expect(await check(Promise.resolve(1)).resolves.toBe(1)).toBe(true);

    expect(await check(Promise.resolve(1)).resolves.toBe(2)).toBe(false);
    await check(Promise.resolve(1)).rejects.toThrow();
    await check(Promise.reject(new Error("too long"))).rejects.toThrow("short");
    await check(refused(), "the login").resolves.toBeOk();

    await check(Promise.reject("text")).rejects.not.toBe("text");
    // It was to reject, whatever with.
    await check(Promise.resolve(1)).rejects.not.toBe(2);

    const failure = await expect(refused())
      .resolves.toBeOk()
      .catch((error) => error);
    expect(failure).toBeInstanceOf(AssertionError);
    expect(failure.failureClass).toBe("network-connect");
  },
});

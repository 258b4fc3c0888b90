// Values under test that fight back: each is shown within bounds, and none breaks the library.
import { check, defineCheck, expect, log } from "tocsin";

const boom = () => {
  throw new Error("boom");
};

export default defineCheck({
  schedule: "every 30s",
  run() {
    const hostile = new Proxy(
      {},
      { get: boom, has: boom, ownKeys: boom, getPrototypeOf: boom, getOwnPropertyDescriptor: boom },
    );
    const { proxy: revoked, revoke } = Proxy.revocable({}, {});
    revoke();
    let deep = {};
    for (let i = 0; i < 5000; i++) deep = { deep };
    let other = {};
    for (let i = 0; i < 5000; i++) other = { deep: other };

    check(hostile, "proxy").toEqual({ a: 1 });
    check(hostile, "proxy").toHaveProperty("a");
    check(hostile, "proxy").toHaveStatus(200);
    check(revoked, "revoked").toBe(1);
    check(
      {
        get a() {
          return boom();
        },
      },
      "getter",
    ).toBe(1);
    check(
      {
        get a() {
          return boom();
        },
      },
      "getter",
    ).toEqual({ a: 1 });
    check({ toString: boom, toJSON: boom, [Symbol.toPrimitive]: boom }, "conversions").toBe(1);
    check(Object.assign(new Error(), { message: { toString: boom } }), "error").toBe(1);
    check("z".repeat(1_000_000), "long").toBe("q");
    check(Array(1_000_000).fill(7), "wide").toBe("q");
    check(deep, "deep").toEqual(other);
    check({ then: 1 }, "then").toBe(1);
    check(Object.create(null), "bare").toBe(1);
    log("values", { hostile, revoked, symbol: Symbol("s"), nothing: undefined });
    expect(true).toBe(true);
  },
});

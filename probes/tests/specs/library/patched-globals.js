// A script that replaces what the language comes with breaks itself, and not what the library says about it.
import { check, defineCheck, expect, log, step } from "tocsin";

const patch = (prototype) => {
  const keys = Reflect.ownKeys(prototype);
  for (let i = 0; i < keys.length; i++) {
    const { value, configurable } = Object.getOwnPropertyDescriptor(prototype, keys[i]);
    if (typeof value !== "function" || !configurable || keys[i] === "constructor") continue;
    Object.defineProperty(prototype, keys[i], {
      value() {
        throw new Error("patched");
      },
    });
  }
};

export default defineCheck({
  schedule: "every 30s",
  run() {
    const [map, set] = [new Map([[1, { a: 1 }]]), new Set([1])];
    patch(Array.prototype);
    patch(String.prototype);
    patch(Map.prototype);
    patch(Set.prototype);
    patch(RegExp.prototype);
    JSON.stringify = Object.keys = Object.is = Reflect.ownKeys = Reflect.apply = undefined;

    step("patched", () => {
      check({ a: 1, b: [1, 2] }).toEqual({ a: 1, b: [1, 3] });
      check("abc").toMatch(/z/);
      check([1]).toContainEqual(2);
      check(map).toEqual(map);
      check(set).not.toEqual(set);
    });
    log("still here", { n: 1 });
    expect(1).toBe(2);
  },
});

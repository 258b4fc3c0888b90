// What a failed comparison shows of the two values: where they differ first, and the lines around it.
import { check, defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  run() {
    const many = (changed) => Array.from({ length: 500 }, (_, i) => (i === changed ? -1 : i));
    const cyclic = { name: "a" };
    cyclic.self = cyclic;

    check({ a: 1, b: { c: [1, 2, 3] }, z: "q" }).toEqual({ b: { c: [1, 2, 4] }, a: 1 });
    check({ a: 1, b: undefined }).toStrictEqual({ a: 1 });
    check({ a: 1, b: 2, c: { d: 1, e: 2 } }).toMatchObject({ a: 2, c: { d: 1 } });
    check({ id: 5, name: "x", tags: [1, 2] }).toEqual({
      id: expect.any(Number),
      name: expect.stringMatching(/y/),
      tags: expect.arrayContaining([2]),
    });
    check("a\nb\nc\nd").toBe("a\nb\nX\nd");
    check(`${"x".repeat(100)}abc`).toBe(`${"x".repeat(100)}abd`);
    check(many(-1)).toEqual(many(400));
    check(cyclic).toEqual({ name: "a", self: 5 });
    check(new Map([["key", { a: 1 }]])).toEqual(new Map([["key", { a: 2 }]]));
    check(new Headers({ a: "1" })).toEqual(new Headers({ a: "2" }));
    check(new Date(0)).toEqual(new Date(1));
    check(new URL("https://a.test/b")).toEqual(new URL("https://a.test/c"));
    check([1, 2]).toEqual([1, 2, 3]);
    check({ "content-type": "text/html" }).toEqual({ "content-type": "text/plain" });
  },
});

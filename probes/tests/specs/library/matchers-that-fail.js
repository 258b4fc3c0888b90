// What each matcher says where it does not hold. `check` goes on, so that one run says all of it.
import { check, defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  run() {
    const answer = new Response("no", { status: 503, headers: { "content-type": "text/plain" } });

    expect(check(3).toBe(4)).toBe(false);
    check("3", "the answer").toBe(3);
    check(3).not.toBe(3);
    check({ a: 1 }).toBe({ a: 1 });
    check(0).toBeTruthy();
    check([]).toBeFalsy();
    check(undefined).toBeNull();
    check(null).toBeUndefined();
    check(undefined).toBeDefined();
    check(1).toBeNaN();
    check(3).toBeGreaterThan(5);
    check("3").toBeGreaterThanOrEqual(2);
    check(3n).toBeLessThan(3n);
    check(NaN).toBeLessThanOrEqual(1);
    check(1).toBeCloseTo(1.1, 3);
    check("hello").toMatch(/^x/);
    check(undefined).toMatch("x");
    check([{ a: 1 }]).toContain({ a: 1 });
    check("abc").toContain("x");
    check(new Set([1])).toContainEqual(2);
    check([1]).toHaveLength(2);
    check(5).toHaveLength(2);
    check({ a: { b: 1 } }).toHaveProperty("a.c");
    check({ a: { b: 1 } }).toHaveProperty("a.b", 2);
    check({ a: { b: 1 } }).toHaveProperty("a.c", 2);
    check(5).toBeInstanceOf(Error);
    check(5).toBeTypeOf("string");
    check(() => {}).toThrow();
    check(() => {
      throw new Error("too long");
    }).toThrow("short");
    check(() => {
      throw new Error("too long");
    }).toThrow(TypeError);
    check(() => {
      throw new Error("too long");
    }).not.toThrow();
    check(answer).toBeOk();
    check(answer, "the login").toHaveStatus([200, 204]);
    check(answer).toHaveStatus(200, "no");
    check(answer).toHaveStatus(200, "");
    check(answer).toBeOk("<html><head><title>x</title></head><body><h1>Gone</h1>\n<p>away</p></body></html>");
    check(answer).not.toHaveStatus(503);
    check(answer).toHaveHeader("cache-control", /immutable/);
    check(answer).toHaveHeader("content-type", "text/html");
    check("x").not.toHaveStatus(500);
    check(Promise.resolve(1)).toBe(1);
  },
});

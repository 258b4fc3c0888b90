// Every matcher on a value that it holds for, and turned round on one that it does not hold for.
import { check, defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  run() {
    const object = { a: 1 };
    const answer = new Response("body", { status: 201, headers: { "content-type": "text/plain; charset=utf-8" } });

    expect(1).toBe(1);
    expect(NaN).toBe(NaN);
    expect(object).toBe(object);
    expect({ a: 1 }).not.toBe({ a: 1 });
    expect(0).not.toBe(-0);
    expect({ a: 1, b: undefined }).toEqual({ a: 1 });
    expect({ a: 1, b: undefined }).not.toStrictEqual({ a: 1 });
    expect({ a: [1, { b: 2 }] }).toStrictEqual({ a: [1, { b: 2 }] });
    expect({ a: 1, b: { c: 2, d: 3 } }).toMatchObject({ b: { c: 2 } });
    expect({ b: { c: 2 } }).not.toMatchObject({ b: { c: 2, d: undefined } });

    expect("x").toBeTruthy();
    expect("").toBeFalsy();
    expect(null).toBeNull();
    expect(undefined).toBeUndefined();
    expect(null).toBeDefined();
    expect(NaN).toBeNaN();
    expect("NaN").not.toBeNaN();

    expect(2).toBeGreaterThan(1);
    expect(2n).toBeGreaterThanOrEqual(2);
    expect(1).toBeLessThan(2);
    expect(2).toBeLessThanOrEqual(2);
    expect(3).not.toBeGreaterThan(3);
    expect(0.1 + 0.2).toBeCloseTo(0.3, 10);
    expect(Infinity).toBeCloseTo(Infinity);
    expect(1).not.toBeCloseTo(1.01);

    expect("it is ok").toMatch(/OK$/i);
    expect("it is ok").toMatch("is");
    expect("5").not.toMatch(/6/);
    expect("text").toContain("ex");
    expect([1, NaN]).toContain(NaN);
    expect(new Set([object])).toContain(object);
    expect([{ a: 1 }]).not.toContain({ a: 1 });
    expect([{ a: 1 }]).toContainEqual({ a: 1 });
    expect(new Set([[1]])).toContainEqual([1]);
    expect("four").toHaveLength(4);
    expect([]).toHaveLength(0);
    expect({ keys: [{ alg: "RS256" }] }).toHaveProperty("keys.0.alg", "RS256");
    expect({ "a.b": { c: undefined } }).toHaveProperty(["a.b", "c"]);
    expect({}).not.toHaveProperty("a.b");

    expect(new TypeError()).toBeInstanceOf(Error);
    expect(() => {}).toBeTypeOf("function");
    expect(() => {
      throw new TypeError("too long");
    }).toThrow();
    expect(() => {
      throw new TypeError("too long");
    }).toThrow("long");
    expect(() => {
      throw new TypeError("too long");
    }).toThrow(/^too/);
    expect(() => {
      throw new TypeError("too long");
    }).toThrow(TypeError);
    expect(() => {
      throw new TypeError("too long");
    }).toThrow(new Error("too long"));
    expect(() => {
      throw new TypeError("too long");
    }).not.toThrow(RangeError);
    expect(() => {}).not.toThrow();

    expect(answer).toBeOk();
    expect(answer).toHaveStatus(201);
    expect(answer).toHaveStatus([200, 201]);
    expect(answer).not.toHaveStatus(500);
    expect(answer).toHaveHeader("Content-Type");
    expect(answer).toHaveHeader("content-type", /^text\/plain/);
    expect(answer).not.toHaveHeader("content-type", "text/plain");
    expect(answer).not.toHaveHeader("etag");

    expect(check(1).toBe(1)).toBe(true);
  },
});

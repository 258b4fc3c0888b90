// Matchers and stand-ins beside the commonest; and values that a matcher cannot judge, which fail turned round too.
import { check, defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  run() {
    expect(204).toBeOneOf([200, 204]);
    expect({ a: 1 }).toBeOneOf([{ a: 1 }]);
    expect(5).not.toBeOneOf([]);
    expect(8080).toSatisfy((port) => port > 1024);
    expect({ keys: [{ alg: "RS256" }] }).toHaveProperty("keys[0].alg", "RS256");
    expect([{ a: 1 }]).toHaveProperty("[0].a", 1);
    expect(new Uint8Array([1, 2])).toContain(2);
    expect([1, 2]).toEqual(expect.arrayOf(expect.any(Number)));
    expect([1, "2"]).toEqual(expect.not.arrayOf(expect.any(Number)));
    expect([]).toEqual(expect.arrayOf(expect.any(String)));
    expect({ a: 1 }).toEqual({ a: expect.not.closeTo(2, 1) });
    expect(() => {
      throw Object.assign(new Error("no"), { code: 7 });
    }).toThrow(expect.objectContaining({ code: 7 }));

    check(500).toBeOneOf([200, 204]);
    check(80).toSatisfy(function privileged(port) {
      return port > 1024;
    });
    check([1, "2"]).toEqual(expect.arrayOf(expect.any(Number)));
    check(undefined).not.toContain("error");
    check({}).not.toContainEqual(1);
    check(undefined).not.toMatch(/error/);
    check(undefined).not.toBeGreaterThan(5);
    check("5").not.toBeCloseTo(6);
    check(undefined).not.toHaveLength(0);
    check(undefined).not.toHaveProperty("error");
    check([new Number(1), Object(2n)]).toEqual([new Number(1), new String("a")]);
  },
});

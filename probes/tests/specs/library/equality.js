// Which values are equal. What hides its state is never equal to another just because nothing of it shows.
import { check, defineCheck } from "tocsin";

const cycle = () => {
  const value = { n: 1 };
  value.self = value;
  return value;
};
const ring = () => {
  const value = new Set();
  return value.add([value]);
};
class Point {
  constructor(x) {
    this.x = x;
  }
}

const EQUAL = [
  [
    { a: 1, b: [1, 2] },
    { b: [1, 2], a: 1 },
  ],
  [new Date(5), new Date(5)],
  [/a/gi, /a/gi],
  [new Error("a"), new Error("a")],
  [new Map([[{ k: 1 }, 1]]), new Map([[{ k: 1 }, 1]])],
  [new Set([[1], 2]), new Set([2, [1]])],
  [new Set([{ a: 1, b: undefined }]), new Set([{ a: 1 }])],
  [ring(), ring()],
  [new Number(1), new Number(1)],
  [new Number(NaN), new Number(NaN)],
  [new String("a"), new String("a")],
  [Object(1n), Object(1n)],
  [new Uint8Array([1, 2]), new Uint8Array([1, 2])],
  [new Uint8Array([1, 2]).buffer, new Uint8Array([1, 2]).buffer],
  [new URL("https://a.test/"), new URL("https://a.test")],
  [new URLSearchParams("a=1"), new URLSearchParams({ a: "1" })],
  [new Headers({ A: "1" }), new Headers({ a: "1" })],
  [cycle(), cycle()],
  [new Point(1), { x: 1 }],
  [[undefined], [undefined]],
  [{ a: undefined }, {}],
  [Object.create(null), {}],
];

const DIFFERENT = [
  [0, -0],
  [1, "1"],
  [null, undefined],
  [[], {}],
  [
    [1, 2],
    [2, 1],
  ],
  [[], [undefined]],
  [{ a: 1 }, { a: 1, b: 2 }],
  [{ a: 1, b: 2 }, { a: 1 }],
  [new Date(5), new Date(6)],
  [new Date(5), 5],
  [/a/g, /a/i],
  [new Error("a"), new TypeError("a")],
  [new Map([[1, 2]]), new Map([[1, 3]])],
  [new Map(), new Set()],
  [new Set([1]), new Set([2])],
  [new Set([[1], [2]]), new Set([[1], [1]])],
  [new Map([[[1], 1], [[2], 1]]), new Map([[[1], 1], [[1], 1]])],
  [new Number(1), new Number(2)],
  [new Number(0), new Number(-0)],
  [new Number(1), 1],
  [new Number(1), new String("1")],
  [new Number(1), {}],
  [new Boolean(true), new Boolean(false)],
  [new String("a"), new String("b")],
  [Object(1n), Object(2n)],
  [Object(Symbol.iterator), Object(Symbol.asyncIterator)],
  [{ [Symbol.toStringTag]: "Number", a: 1 }, { [Symbol.toStringTag]: "Number", a: 2 }],
  [new Uint8Array([1]), new Uint8Array([2])],
  [new URL("https://a.test/"), new URL("https://b.test/")],
  [new Headers({ a: "1" }), new Headers()],
  [new Response("a"), new Response("a")],
  [new Blob(["a"]), new Blob(["a"])],
  [Promise.resolve(1), Promise.resolve(1)],
  [() => 1, () => 1],
  [Symbol("a"), Symbol("a")],
];

export default defineCheck({
  schedule: "every 30s",
  run() {
    EQUAL.forEach(([a, b], i) => {
      check(a, `EQUAL[${i}]`).toEqual(b);
      check(b, `EQUAL[${i}] the other way`).toEqual(a);
    });
    DIFFERENT.forEach(([a, b], i) => {
      check(a, `DIFFERENT[${i}]`).not.toEqual(b);
      check(b, `DIFFERENT[${i}] the other way`).not.toEqual(a);
    });
    check(new Point(1)).not.toStrictEqual({ x: 1 });
    check([, 1]).not.toStrictEqual([undefined, 1]);
    check(new Set([{ a: 1, b: undefined }])).not.toStrictEqual(new Set([{ a: 1 }]));
    check(new Set([new Point(1)])).not.toStrictEqual(new Set([{ x: 1 }]));
    check(new Set([new Point(1)])).toStrictEqual(new Set([new Point(1)]));
    check({ all: new Set([{ a: 1, b: 2 }]) }).toMatchObject({ all: new Set([{ a: 1 }]) });
    check(new Map([["k", { a: 1, b: undefined }]])).not.toStrictEqual(new Map([["k", { a: 1 }]]));
  },
});

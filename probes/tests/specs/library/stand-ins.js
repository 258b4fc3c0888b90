// Stand-ins in expected values: what each matches, and what it does not.
import { check, defineCheck, expect } from "tocsin";

const MATCH = [
  [0, expect.anything()],
  ["a", expect.any(String)],
  [new Date(0), expect.any(Date)],
  [[], expect.any(Object)],
  [5n, expect.any(BigInt)],
  [{ a: 1, b: 2 }, expect.objectContaining({ a: expect.any(Number) })],
  [[3, 2, 1], expect.arrayContaining([1, 2])],
  ["a text", expect.stringContaining("tex")],
  ["a text", expect.stringMatching(/^a\b/)],
  [0.1 + 0.2, expect.closeTo(0.3, 5)],
  ["b", expect.not.stringContaining("a")],
  [[1], expect.not.arrayContaining([2])],
  [{ a: 1 }, expect.not.objectContaining({ a: 2 })],
  ["b", expect.not.stringMatching(/a/)],
];

const NO_MATCH = [
  [undefined, expect.anything()],
  [null, expect.anything()],
  [5, expect.any(String)],
  [null, expect.any(Object)],
  [{ a: 1 }, expect.objectContaining({ a: 1, b: undefined })],
  [[1], expect.arrayContaining([1, 2])],
  [5, expect.stringContaining("5")],
  [0.4, expect.closeTo(0.3, 5)],
  ["a", expect.not.stringContaining("a")],
];

export default defineCheck({
  schedule: "every 30s",
  run() {
    MATCH.forEach(([value, standIn], i) => check({ value }, `MATCH[${i}]`).toEqual({ value: standIn }));
    NO_MATCH.forEach(([value, standIn], i) => check({ value }, `NO_MATCH[${i}]`).not.toEqual({ value: standIn }));
  },
});

// Names that scripts bring along from Jest, Playwright and k6: each says what to write here.
import { check, defineCheck, expect } from "tocsin";

const BROUGHT = {
  toThrowError: () => expect(() => {}).toThrowError(),
  "not.toThrowError": () => expect(() => {}).not.toThrowError(),
  toBeOK: () => expect(new Response()).toBeOK(),
  toPass: () => expect(() => {}).toPass(),
  toMatchSnapshot: () => expect({}).toMatchSnapshot(),
  toMatchInlineSnapshot: () => expect({}).toMatchInlineSnapshot("{}"),
  toHaveBeenCalled: () => expect(() => {}).toHaveBeenCalled(),
  toHaveBeenCalledTimes: () => check(() => {}).toHaveBeenCalledTimes(1),
  toHaveBeenCalledWith: () => expect(() => {}).toHaveBeenCalledWith(1),
  soft: () => expect.soft(1).toBe(1),
  poll: () => expect.poll(() => 1).toBe(1),
  extend: () => expect.extend({}),
  assertions: () => expect.assertions(1),
  hasAssertions: () => expect.hasAssertions(),
  "a check of k6": () => check(new Response(), { "it is ok": (response) => response.ok }),
};

export default defineCheck({
  schedule: "every 30s",
  run() {
    for (const [name, brought] of Object.entries(BROUGHT)) {
      try {
        brought();
        console.log(`${name}: passed`);
      } catch (error) {
        console.log(`${name}: ${error.name}: ${error.message}`);
      }
    }
  },
});

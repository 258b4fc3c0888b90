// Names that scripts bring along from Jest, Playwright and k6, and that this library has under another one or not at all.
// Each is an error that says what to write: "not a function" would send its author to search.

/** Of an expectation. */
export const MATCHERS_ELSEWHERE = {
  __proto__: null,
  toThrowError: "write .toThrow(...), which is the same",
  toBeOK: "write .toBeOk()",
  toPass: "write await retry(async () => { ... }, { attempts: 5 })",
  toMatchSnapshot: "write out what must be there: .toMatchObject({ ... })",
  toMatchInlineSnapshot: "write out what must be there: .toMatchObject({ ... })",
  toHaveBeenCalled: "there are no mocks: a check asks the target itself",
  toHaveBeenCalledTimes: "there are no mocks: a check asks the target itself",
  toHaveBeenCalledWith: "there are no mocks: a check asks the target itself",
};

/** Of `expect` itself. */
export const MEMBERS_ELSEWHERE = {
  __proto__: null,
  soft: "write check(value), which has the same matchers, records what does not hold and goes on",
  poll: "write await retry(async () => { expect(await ask()).toBe(...) }, { attempts: 5 })",
  extend: "write a function that calls expect, and import it where it is needed",
  assertions: "an expectation without a matcher, or that nobody awaited, fails the run by itself",
  hasAssertions: "an expectation without a matcher, or that nobody awaited, fails the run by itself",
};

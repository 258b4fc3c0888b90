// `expect(value, message?)` throws where a matcher does not hold; `check(value, message?)` records it and goes on.

import { AssertionError, classOf } from "./assertion_error.js";
import { MATCHERS_ELSEWHERE, MEMBERS_ELSEWHERE } from "./elsewhere.js";
import { inline } from "./format.js";
import { clip, core, internals, isMisuse, isObject, isThenable, misuse, ops, primordials } from "./host.js";
import { responseMatchers } from "./response_matchers.js";
import { standIns } from "./stand_ins.js";
import { valueMatchers } from "./value_matchers.js";

const {
  ArrayPrototypeUnshift,
  ObjectDefineProperty,
  ObjectFreeze,
  PromisePrototypeThen,
  PromiseResolve,
  ReflectApply,
  SafeSet,
  SetPrototypeForEach,
  String,
  TypeError,
} = primordials;

const SUBJECT_CHARACTERS_MAX = 500;

/** Reading a stack is dear and its memory is held until the run ends: later soft failures go without. */
const STACKS_MAX = 20;
let stacks = 0;

const hard = {
  held: () => undefined,
  failed: (error) => {
    throw error;
  },
};

const soft = {
  held: () => true,
  failed: (error) => {
    const stack = stacks++ < STACKS_MAX ? String(error.stack) : "";
    ops.op_soft_failure(error.message, stack, error.failureClass);
    return false;
  },
};

/** Puts a matcher to an expectation; only the class itself sees what it holds. */
let ask;

/**
 * Expectations that were made and not put to a matcher yet, each with an error that knows the line; and those of
 * `.resolves` and `.rejects` whose promise has not settled. What is left of either at the end of a run would have
 * passed without anything having been looked at.
 */
const unasked = new SafeSet();
const unsettled = new SafeSet();

internals.tocsinUnfinished = () => {
  let found;
  SetPrototypeForEach(unasked, (question) => (found ??= question));
  if (found !== undefined) {
    const { call, settles } = found;
    const written = settles === undefined ? "expect(...)" : `expect(...).${settles}`;
    call.message = `${written} was given no matcher, and so looked at nothing: write ${written}.toBe(...), or another matcher`;
    return call;
  }
  SetPrototypeForEach(unsettled, (question) => (found ??= question));
  if (found !== undefined) {
    found.call.message =
      `expect(...).${found.settles} was not awaited, and the run ended before its promise had settled: ` +
      "write `await` in front of it";
    return found.call;
  }
  return undefined;
};

/** What is asked of a value: by whom (`manner`), about what, whether turned round, and how a promise must settle. */
class Expectation {
  #received;
  #question;

  constructor(received, question) {
    this.#received = received;
    this.#question = question;
    unasked.add(question);
    ObjectFreeze(this);
  }

  get not() {
    return this.#instead({ negated: !this.#question.negated });
  }

  get resolves() {
    return this.#settling("resolves");
  }

  get rejects() {
    return this.#settling("rejects");
  }

  #settling(how) {
    if (!isThenable(this.#received)) {
      throw misuse(
        `.${how} needs a promise: write await expect(fetch(url)).${how}; it was given ${inline(this.#received)}`,
      );
    }
    return this.#instead({ settles: how });
  }

  #instead(change) {
    unasked.delete(this.#question);
    return new Expectation(this.#received, { ...this.#question, ...change });
  }

  static {
    ask = (expectation, matcher, args) => {
      const received = expectation.#received;
      const question = expectation.#question;
      unasked.delete(question);
      return (question.settles === undefined ? judge : judgeSettled)(question, matcher, received, args);
    };
  }
}

function judge(question, matcher, received, args) {
  const verdict = verdictOf(matcher, received, args);
  // A value that the matcher cannot judge fails both ways: `not.toHaveStatus(500)` says nothing about a text.
  if (verdict.refused !== true && verdict.pass !== question.negated) return question.manner.held();
  return question.manner.failed(new AssertionError(sentence(question, received, verdict), verdict.failureClass));
}

function verdictOf(matcher, received, args) {
  ArrayPrototypeUnshift(args, received);
  try {
    const verdict = ReflectApply(matcher, undefined, args);
    return { ...verdict, detail: verdict.pass ? "" : (verdict.detail?.() ?? "") };
  } catch (error) {
    if (isMisuse(error)) throw error;
    // A getter or a Proxy under test threw: the value is not as expected, and the library is not at fault.
    return { refused: true, to: "be readable", detail: `reading it threw ${inline(error)}` };
  }
}

function judgeSettled(question, matcher, promise, args) {
  unsettled.add(question);
  return PromisePrototypeThen(
    settledVerdict(question, matcher, promise, args),
    (verdict) => {
      unsettled.delete(question);
      return verdict;
    },
    (error) => {
      unsettled.delete(question);
      throw error;
    },
  );
}

function settledVerdict(question, matcher, promise, args) {
  const throws = matcher === valueMatchers.toThrow;
  const unexpected = (message, cause) =>
    question.manner.failed(new AssertionError(introduced(question, message), classOf(cause)));
  if (question.settles === "resolves") {
    return PromisePrototypeThen(
      PromiseResolve(promise),
      (value) => judge(question, matcher, throws ? () => value : value, args),
      // The class of what was thrown stays: a refused connection is no wrong answer.
      (error) => unexpected(`expected the promise to resolve, and it rejected with ${inline(error, 300)}`, error),
    );
  }
  return PromisePrototypeThen(
    PromiseResolve(promise),
    (value) => unexpected(`expected the promise to reject, and it resolved with ${inline(value)}`),
    (error) => {
      const rethrow = () => {
        throw error;
      };
      return judge(question, matcher, throws ? rethrow : error, args);
    },
  );
}

function introduced({ subject }, message) {
  return subject === undefined ? message : `${subject}: ${message}`;
}

function sentence(question, received, verdict) {
  const { negated, settles } = question;
  const said = (words) => (typeof words === "function" ? words() : words);
  let text = `expected ${said(verdict.about) ?? inline(received)} ${negated ? "not " : ""}to ${said(verdict.to)}`;
  if (verdict.got !== undefined) text += `, got ${verdict.got}`;
  if (settles === undefined && core.isPromise(received)) {
    text += "; it is a promise: write `await` before the value, or .resolves after expect(...)";
  }
  return introduced(question, verdict.detail === "" ? text : `${text}\n${verdict.detail}`);
}

for (const matchers of [valueMatchers, responseMatchers]) {
  for (const name in matchers) {
    ObjectDefineProperty(Expectation.prototype, name, {
      __proto__: null,
      value: {
        [name](...args) {
          return ask(this, matchers[name], args);
        },
      }[name],
    });
  }
}
pointTo(Expectation.prototype, "expect(...)", MATCHERS_ELSEWHERE);
ObjectFreeze(Expectation.prototype);

/** Gives `target` names that say what to write instead of them. */
function pointTo(target, shown, elsewhere) {
  for (const name in elsewhere) {
    ObjectDefineProperty(target, name, {
      __proto__: null,
      get() {
        throw misuse(`${shown}.${name} is not there: ${elsewhere[name]}`);
      },
    });
  }
}

function asking(manner) {
  return (received, message) => {
    if (isObject(message)) {
      throw misuse(
        "the second argument is a text about the value; k6's check(response, { name: fn }) is written " +
          `check(response, "name").toSatisfy(fn), and it was given ${inline(message)}`,
      );
    }
    const subject =
      message === undefined || message === ""
        ? undefined
        : clip(typeof message === "string" ? message : inline(message), SUBJECT_CHARACTERS_MAX);
    return new Expectation(received, { manner, subject, negated: false, settles: undefined, call: new TypeError("") });
  };
}

export const check = ObjectFreeze(asking(soft));

export const expect = asking(hard);
for (const name in standIns) {
  ObjectDefineProperty(expect, name, { __proto__: null, value: standIns[name], enumerable: true });
}
pointTo(expect, "expect", MEMBERS_ELSEWHERE);
ObjectFreeze(expect);

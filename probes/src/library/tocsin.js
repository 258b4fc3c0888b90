// The module `tocsin`: everything that a check script imports, and nothing else.
//
// A run has the library to itself: its process was forked from one that loaded it and ended with the run. What lives
// at module level here (the open step, the count of stacks read) is therefore the state of one run.

import "./context.js";

export { AssertionError } from "./assertion_error.js";
export { connection } from "./connection.js";
export { defineCheck } from "./define.js";
export { check, expect } from "./expect.js";
export { log } from "./log.js";
export { metric } from "./metric.js";
export { retry } from "./retry.js";
export { skip } from "./skip.js";
export { sleep } from "./sleep.js";
export { step } from "./step.js";

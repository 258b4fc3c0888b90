import { a } from "../../specs/../../src/lib.js";

console.log(a);

import { a } from "./modules/there.js";

console.log(a);

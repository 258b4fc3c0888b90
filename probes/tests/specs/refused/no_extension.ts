import { a } from "./modules/there";

console.log(a);

export { x } from "./nowhere.ts";

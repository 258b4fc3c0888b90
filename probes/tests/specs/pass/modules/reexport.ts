export { square } from "./square.js";

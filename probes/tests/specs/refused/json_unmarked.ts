import data from "./modules/broken.json";

console.log(data);

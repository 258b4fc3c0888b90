import data from "./modules/broken.json" with { type: "json" };

console.log(data);

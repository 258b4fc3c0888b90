import { defineCheck, expect } from "tocsin";
import targets from "./modules/targets.json" with { type: "json" };
import * as shapes from "./modules/shapes.ts";
import { square as again } from "./modules/reexport.ts";

export default defineCheck({
  schedule: "0 */2 * * *",
  timeZone: "Europe/Berlin",
  timeout: "1.5s",
  tags: ["a", "b"],
  secrets: ["PASSWORD"],
  regions: ["eu-west-1", "us-east-1"],
  policy: "quiet",
  runbook: "https://runbooks.example/imports",
  description: "imports what is its own",
  async run() {
    expect(targets.hosts).toEqual(["a", "b"]);
    expect(new shapes.Point(2, 3).area()).toBe(6);
    expect(again(3)).toBe(9);
    const late = await import("./modules/late.ts");
    expect(late.loaded).toBe(true);
  },
});

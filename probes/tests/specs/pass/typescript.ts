import { defineCheck, expect, step } from "tocsin";
import type { Unused } from "./modules/types.ts";
import { Point, type Shape } from "./modules/shapes.ts";

enum Colour {
  Red,
  Green = "green",
}

namespace Numbers {
  export const answer: number = 42;
}

class Named {
  constructor(private readonly name: string, public extra?: Unused) {}
  greet(): string {
    return `hello ${this.name}`;
  }
}

const shape: Shape = new Point(1, 2) satisfies Shape;

export default defineCheck({
  id: "typescript-works",
  schedule: "every 30s",
  async run(ctx): Promise<void> {
    expect(new Named("you").greet()).toBe("hello you");
    expect([Colour.Red, Colour.Green, Numbers.answer]).toEqual([0, "green", 42]);
    const sum = await step("area", async <T extends Shape>() => (shape as T)!.area());
    expect(sum).toBe(2);
    console.log(`in ${ctx.region}`);
  },
});

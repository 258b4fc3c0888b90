import { square } from "./square.js";

export interface Shape {
  area(): number;
}

export class Point implements Shape {
  constructor(private a: number, private b: number) {}
  area(): number {
    return Math.sqrt(square(this.a) * square(this.b));
  }
}

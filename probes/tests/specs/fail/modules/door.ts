type Shape = string;

/** Opens it. */
export function open(shape: Shape): void {
  if (shape !== "right") {
    throw new TypeError(`no key is ${shape}`);
  }
}

// Answers that are not whole. A body that breaks off is an error when it is read; one that ends early by its own account
// is whole, and not JSON.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  timeout: "30s",
  async run({ vars }) {
    // `jwks` closes the connection in the middle of the body.
    for (const read of ["text", "json", "arrayBuffer", "blob"] as const) {
      const cut = await fetch(`${vars.AUTH_URL}/.well-known/jwks.json`);
      expect(cut.status).toBe(200);
      const error = await cut[read]().catch((thrown: any) => thrown);
      expect(error, read).toBeInstanceOf(TypeError);
    }
    const streamed = await fetch(`${vars.AUTH_URL}/.well-known/jwks.json`);
    const reader = streamed.body!.getReader();
    const first = await reader.read();
    expect(first.value!.length).toBeGreaterThan(0);
    await expect((async () => { while (!(await reader.read()).done); })()).rejects.toThrow(TypeError);

    // `discovery` announces and sends half of its document.
    const half = await fetch(`${vars.AUTH_URL}/.well-known/openid-configuration`);
    const text = await half.clone().text();
    expect(text).toMatch(/^\{/);
    await expect(half.json()).rejects.toThrow(SyntaxError);

    // Nobody catches this one: the run fails, and says whose fault it is.
    await (await fetch(`${vars.AUTH_URL}/.well-known/jwks.json`)).json();
  },
});

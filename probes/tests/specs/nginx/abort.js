import { connection, defineCheck, expect } from "tocsin";

const reason = (promise) => promise.then(() => "nothing", (error) => error);

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { NGINX, NGINX_TLS } }) {
    for (const site of [NGINX, NGINX_TLS]) {
      // Before the head, which never comes.
      expect((await reason(fetch(`${site}/silent`, { signal: AbortSignal.timeout(50) }))).name, site).toBe("TimeoutError");
      const controller = new AbortController();
      const waiting = fetch(`${site}/silent`, { method: "POST", body: "x", signal: controller.signal });
      setTimeout(() => controller.abort("enough"), 50);
      expect(await reason(waiting), site).toBe("enough");

      // Within the body, which takes its time.
      const inBody = new AbortController();
      const slow = await fetch(`${site}/slow`, { signal: inBody.signal });
      const reader = slow.body.getReader();
      expect((await reader.read()).done).toBe(false);
      inBody.abort("too long");
      const rest = async () => {
        while (!(await reader.read()).done);
      };
      expect(await reason(rest()), site).toBe("too long");

      // What comes after is answered, and its connection is whole.
      const next = await fetch(`${site}/teapot`);
      expect(await next.text()).toBe("short and stout");
      const again = await fetch(`${site}/teapot`);
      expect(await again.text()).toBe("short and stout");
      expect(connection(again).phases.connectMs, site).toBeUndefined();
    }
  },
});

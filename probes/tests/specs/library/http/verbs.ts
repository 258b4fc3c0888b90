// Each method of an agent against a server, and what an answer says of itself.
import { defineCheck, expect } from "tocsin";
import { agent } from "tocsin/http";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { TARGET } }) {
    const site = agent({ baseUrl: `${TARGET}/folder/` });
    expect(site.url("/x?a=1")).toBe(`${TARGET}/x?a=1`);
    expect(site.url("x")).toBe(`${TARGET}/folder/x`);
    expect(site.url(new URL("https://else.test/"))).toBe("https://else.test/");

    const sent = { json: { n: 1 } };
    for (const [method, answer] of [
      ["GET", await site.get("/request")],
      ["POST", await site.post("/request", sent)],
      ["PUT", await site.put("/request", sent)],
      ["PATCH", await site.patch("/request", sent)],
      ["DELETE", await site.delete("/request")],
      ["DELETE", await site.delete("/request", sent)],
      ["OPTIONS", await site.request("options", "/request")],
    ] as const) {
      expect(answer.json("method")).toBe(method);
      expect([answer.ok, answer.status, answer.statusText]).toEqual([true, 200, "OK"]);
      // Nothing was looked up for an address.
      expect(answer.timings.dnsMs).toBeUndefined();
    }
    expect((await site.put("/request", sent)).json("body")).toBe('{"n":1}');
    expect((await site.patch("/request", { form: [["a", "1"]] })).json(["headers", "content-type"])).toMatch(/^application\/x-www-form-urlencoded/);
    expect((await site.delete("/request")).json("body_bytes")).toBe(0);
    expect((await site.head("/request")).bytes).toHaveLength(0);
    const refused = await site.put("/status/403", sent);
    expect([refused.ok, refused.statusText]).toEqual([false, "Forbidden"]);

    const gone = site.get("/never", { signal: AbortSignal.timeout(20) });
    expect((await gone.catch((reason) => reason)).name).toBe("TimeoutError");
    const before = site.delete("/request", { signal: AbortSignal.abort("not now") });
    await expect(before).rejects.toBe("not now");
  },
});

// Against a server: each exchange with its phases, a page that is slow, and a failure that says how the agent came there.
import { connection, defineCheck, expect, step } from "tocsin";
import { agent } from "tocsin/http";

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { TARGET, TARGET_TLS, TARGET_CLOSED } }) {
    const browser = agent({ baseUrl: TARGET_TLS!, firstByteMsMax: 0 });
    const answer = await step("redirected", () => browser.get("/redirect/302?to=/request"));
    const [first, second] = answer.exchanges;
    expect([first!.status, second!.status, answer.json("path")]).toEqual([302, 200, "/request"]);
    for (const phase of ["connectMs", "tlsMs", "firstByteMs"] as const) {
      expect(first!.timings[phase], phase).toBeGreaterThanOrEqual(0);
    }
    // The second used the connection again.
    expect([second!.timings.connectMs, second!.timings.tlsMs]).toEqual([undefined, undefined]);
    expect(second!.timings.bodyMs).toBeGreaterThanOrEqual(0);
    expect(second!.timings.totalMs).toBeGreaterThanOrEqual(second!.timings.firstByteMs!);
    expect(connection(answer).httpVersion).toBe("HTTP/2");

    const cookies = agent({ baseUrl: TARGET! });
    await cookies.get("/cookies");
    expect((await cookies.get("/request")).json("headers.cookie")).toBe("a=1; b=2");
    expect((await cookies.post("/echo", { json: { a: [1] } })).json("a.0")).toBe(1);
    expect((await cookies.head("/hello")).text).toBe("");
    const lost = agent({ baseUrl: TARGET!, origins: [TARGET!, TARGET_CLOSED!] });
    await lost.get(`/redirect/302?to=${TARGET_CLOSED}/`);
  },
});

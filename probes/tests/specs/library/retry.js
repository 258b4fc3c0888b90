// Each attempt is a step; the last failure is the run's.
import { check, defineCheck, retry, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run() {
    const seen = [];
    const third = await step("until it does not throw", () =>
      retry(
        (attempt) => {
          seen.push(attempt);
          if (attempt < 3) throw new Error(`not yet (${attempt})`);
          return "there";
        },
        { delay: 1 },
      ),
    );
    check([seen, third]).toEqual([[1, 2, 3], "there"]);

    let mails = 0;
    const found = await retry(async () => ++mails, { attempts: 5, delay: "1ms", backoff: 1, until: (count) => count === 2 });
    check(found).toBe(2);

    await step("never", () => retry(() => [], { attempts: 2, delay: 0, until: (mails) => mails.length > 0 }));
  },
});

// What is not repeated: a mistake in the script, what was aborted, and what the run has no time for.
import { check, defineCheck, expect, retry, skip } from "tocsin";

async function message(promise) {
  try {
    return `${await promise}`;
  } catch (error) {
    return error.message;
  }
}

export default defineCheck({
  schedule: "every 30s",
  async run() {
    let calls = 0;
    const times = async (fn, options) => {
      calls = 0;
      return [await message(retry(() => (calls++, fn()), options)), calls];
    };
    const fails = () => {
      throw new Error("no");
    };
    check(await times(() => expect(1).toHaveLength("2"))).toEqual([expect.stringContaining("toHaveLength takes a whole number"), 1]);
    check(await times(fails, { attempts: 3, delay: "2m" })).toEqual(["no", 1]);
    check(await times(fails, { attempts: 9, delay: 1000, signal: AbortSignal.abort(new Error("over")) })).toEqual(["no", 1]);
    const controller = new AbortController();
    const later = () => {
      setTimeout(() => controller.abort(new Error("over")));
      throw new Error("no");
    };
    check(await times(later, { attempts: 9, delay: 30000, signal: controller.signal })).toEqual(["over", 1]);

    for (const options of [5, { times: 3 }, { attempts: 0 }, { attempts: 1000 }, { delay: "soon" }, { backoff: 0.5 }, { until: true }, { signal: {} }]) {
      let error;
      try {
        retry(fails, options);
      } catch (thrown) {
        error = thrown;
      }
      console.log(error?.message);
    }
    await retry(() => skip("nothing to learn"));
  },
});

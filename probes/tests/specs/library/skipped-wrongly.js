import { check, defineCheck, expect, metric, retry, skip, sleep } from "tocsin";

const outside = [() => skip("x"), () => sleep(1), () => retry(() => 1), () => metric("a", 1)].map((call) => {
  try {
    call();
  } catch (error) {
    return error.message;
  }
});

export default defineCheck({
  schedule: "every 30s",
  run() {
    check(outside).toEqual(["skip", "sleep", "retry", "metric"].map((name) => `${name} was called while the script is evaluated: call it inside \`run\``));
    expect(() => skip()).toThrow("skip takes the reason");
    skip(" ");
  },
});

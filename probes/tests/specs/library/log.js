// `log` writes one line each: a message, and fields as key=value.
import { defineCheck, log } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  run() {
    log("signed in");
    log("signed in", {
      user: "ada",
      url: "https://a.test/b",
      name: "Ada Lovelace",
      ms: 12,
      ok: true,
      none: null,
      list: [1, "a"],
    });
    log.debug("looking");
    log.info("found", { n: 2 });
    log.warn("slow", { ms: 900 });
    log.error("gone");
    log({ a: 1 });
  },
});

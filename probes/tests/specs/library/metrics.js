// Numbers of a script's own, with the step that they were measured in; what could be no series is refused.
import { check, defineCheck, metric, step } from "tocsin";

const REFUSED = {
  "no name": () => metric(5, 1),
  "an odd name": () => metric("queue depth", 1),
  "no number": () => metric("depth", "4"),
  "no finite number": () => metric("depth", NaN),
  "a unit that is none": () => metric("depth", 1, { unit: "a very long unit of its own" }),
  "tags that are none": () => metric("depth", 1, { tags: ["a"] }),
  "an odd tag": () => metric("depth", 1, { tags: { "a-b": 1 } }),
  "a tag of Tocsin's own": () => metric("depth", 1, { tags: { region: "moon" } }),
  "a tag's value that is none": () => metric("depth", 1, { tags: { queue: {} } }),
  "a tag's value that is too long": () => metric("depth", 1, { tags: { queue: "x".repeat(201) } }),
  "too many tags": () => metric("depth", 1, { tags: Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`t${i}`, i])) }),
};

export default defineCheck({
  schedule: "every 30s",
  secrets: ["TOKEN"],
  async run({ secrets }) {
    metric("queue_depth", 17);
    await step("read the mail", async () => {
      await null;
      metric("mail.delay", 0.25, { unit: "s", tags: { folder: "inbox", unread: true, count: 3, leaked: secrets.TOKEN } });
    });
    for (const [name, refused] of Object.entries(REFUSED)) {
      let error;
      try {
        refused();
      } catch (thrown) {
        error = thrown;
      }
      check(error instanceof TypeError, `${name} throws a TypeError`).toBe(true);
      console.log(error?.message);
    }
    for (let i = 0; i < 120; i++) metric("flood", i);
  },
});

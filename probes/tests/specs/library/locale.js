// The engine knows no language: what would be wrong is an error, and the rest goes on.
import { check, defineCheck } from "tocsin";

const date = new Date("2026-03-04T05:06:07Z");

const REFUSED = [
  () => (1234.5).toLocaleString("de-DE"),
  () => (1234.5).toLocaleString("en-US"),
  () => (0.5).toLocaleString(undefined, { style: "percent" }),
  () => 10n.toLocaleString(["fr"]),
  () => new Intl.NumberFormat("de").format(1),
  () => Intl.NumberFormat(undefined, { style: "currency", currency: "EUR" }),
  () => date.toLocaleString("de"),
  () => date.toLocaleDateString(undefined, { timeZone: "America/New_York" }),
  () => date.toLocaleTimeString("en-US"),
  () => new Intl.DateTimeFormat("de"),
  () => new Intl.DateTimeFormat(undefined, { dateStyle: "long" }),
  () => new Intl.PluralRules("en"),
  () => new Intl.RelativeTimeFormat("en"),
  () => new Intl.ListFormat("de"),
  () => "ä".localeCompare("z", "sv"),
  () => "a".localeCompare("A", undefined, { sensitivity: "base" }),
  () => new Intl.Collator("sv"),
  () => new Intl.Collator(undefined, { numeric: true }),
  () => "I".toLocaleLowerCase("tr"),
  () => "i".toLocaleUpperCase("az-Latn"),
];

export default defineCheck({
  schedule: "every 30s",
  run() {
    for (const refused of REFUSED) {
      let error;
      try {
        refused();
      } catch (thrown) {
        error = thrown;
      }
      check(error instanceof TypeError, `${refused}`).toBe(true);
      check(error?.message, `${refused}`).toMatch(/would be wrong here, since the engine formats for no language: (write|leave)/);
    }
    check((1234.5).toLocaleString()).toBe("1234.5");
    check((1234.5).toLocaleString("und")).toBe("1234.5");
    check(date.toLocaleDateString()).toBe("03/04/2026");
    check("ä".localeCompare("z")).toBe(-1);
    check("a".localeCompare("B", "en-US")).toBe(-1);
    check(["b", "a", "C"].sort(new Intl.Collator().compare)).toEqual(["a", "b", "C"]);
    check("ÄB".toLocaleLowerCase("de")).toBe("äb");
    check("i".toLocaleUpperCase()).toBe("I");
    check(new Intl.DateTimeFormat().resolvedOptions().timeZone).toBe("UTC");
    const format = new Intl.DateTimeFormat(undefined, { timeZone: "Asia/Tokyo" });
    check(format instanceof Intl.DateTimeFormat).toBe(true);
    const parts = Object.fromEntries(format.formatToParts(date).map(({ type, value }) => [type, value]));
    check(parts).toMatchObject({ year: "2026", month: "3", day: "4", hour: "14", minute: "06" });
    (5).toLocaleString("de-DE");
  },
});

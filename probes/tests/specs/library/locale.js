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
  // Words and nothing else: there is no language to have them in.
  () => new Intl.PluralRules(),
  () => new Intl.RelativeTimeFormat(),
  () => new Intl.ListFormat(),
  () => Intl.DurationFormat(),
  () => new Intl.Segmenter(),
  () => new Intl.Segmenter("en", { granularity: "word" }),
  () => new Intl.NumberFormat().formatToParts(1234.5),
  () => [1234.5].toLocaleString("de-DE"),
  () => [1234.5].toLocaleString(undefined, { minimumFractionDigits: 2 }),
  () => new Float64Array([1234.5]).toLocaleString("de-DE"),
  () => Temporal.PlainDate.from("2026-03-04").toLocaleString(),
  () => Temporal.PlainYearMonth.from("2026-03").toLocaleString("de"),
  () => Temporal.PlainMonthDay.from("03-04").toLocaleString("de"),
  () => Temporal.PlainTime.from("05:06").toLocaleString("de"),
  () => Temporal.PlainDateTime.from("2026-03-04T05:06").toLocaleString("en-US"),
  () => Temporal.Instant.from("2026-03-04T05:06Z").toLocaleString(undefined, { timeZone: "Asia/Tokyo" }),
  () => Temporal.ZonedDateTime.from("2026-03-04T05:06[Asia/Tokyo]").toLocaleString("ja"),
  () => Temporal.Duration.from("PT90M").toLocaleString("de"),
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
    check([1234.5, "a"].toLocaleString()).toBe("1234.5,a");
    check(new Uint8Array([1, 2]).toLocaleString()).toBe("1,2");
    // What it says of itself.
    check(Intl.getCanonicalLocales).toBeUndefined();
    for (const name of ["NumberFormat", "DateTimeFormat", "Collator"]) {
      check(new Intl[name]().resolvedOptions().locale, name).toBe("und");
    }
    for (const name of Object.getOwnPropertyNames(Intl).filter((name) => name !== "Locale")) {
      check(Intl[name].supportedLocalesOf("de"), name).toEqual([]);
      check(Intl[name].supportedLocalesOf(), name).toEqual([]);
    }
    check(Intl.NumberFormat.supportedLocalesOf(["de", "und", "en-US"])).toEqual(["und"]);
    check(Intl.Collator.supportedLocalesOf(["de", "und", "en-US"])).toEqual(["und", "en-US"]);
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

// The engine formats for no language: it has no grouping of digits, no names of months, no plural rules and one collation.
// Where a script asks for a language or a style, the answer would be wrong and look right, so it is an error that says
// what to write instead. So is what is words and nothing else, whatever it is asked for. What asks for neither answers as
// the engine does, and says of itself that it has the root locale.

import { primordials } from "ext:core/mod.js";
import { misuse } from "ext:tocsin_library/host.js";
import { inline } from "ext:tocsin_library/format.js";

const {
  ArrayIsArray,
  ArrayPrototype,
  ArrayPrototypeFilter,
  BigIntPrototype,
  DatePrototype,
  NumberPrototype,
  ObjectDefineProperty,
  ObjectKeys,
  Proxy,
  ReflectApply,
  ReflectConstruct,
  SafeRegExp,
  RegExpPrototypeExec,
  StringPrototype,
  TypedArrayPrototype,
} = primordials;
const { Intl } = globalThis;

const ROOT = new SafeRegExp("^(und|root)$", "i");
/** Languages whose order of letters is the one that the engine has. */
const ROOT_ORDER = new SafeRegExp("^(und|root|en)(-|$)", "i");
/** Languages whose letters have other cases (Unicode, SpecialCasing). */
const OTHER_CASES = new SafeRegExp("^(tr|az|lt)(-|$)", "i");

const ROOT_ONLY = "the engine formats for no language";

function asks(locales, options) {
  const locale = ArrayIsArray(locales) ? locales[0] : locales;
  const language = locale === undefined || RegExpPrototypeExec(ROOT, `${locale}`) !== null ? "" : `${locale}`;
  const styled = options !== undefined && options !== null && ObjectKeys(options).length > 0;
  return { language, styled };
}

function refusal(call, { language }, options, instead) {
  const asked = language === "" ? inline(options) : inline(language);
  return misuse(`${call} with ${asked} would be wrong here, since ${ROOT_ONLY}: ${instead}`);
}

function defineMethods(of, methods) {
  for (const name of ObjectKeys(methods)) {
    ObjectDefineProperty(of, name, { __proto__: null, value: methods[name], writable: true, configurable: true });
  }
}

/** `method(locales, options)` of a prototype, refused where it asks for anything. */
function guardMethod(prototype, method, call, at, instead) {
  const original = prototype[method];
  defineMethods(prototype, {
    [method](...args) {
      const asked = asks(args[at], args[at + 1]);
      if (asked.language !== "" || asked.styled) throw refusal(call, asked, args[at + 1], instead);
      return ReflectApply(original, this, args);
    },
  });
}

/** Refuses what is asked of a constructor, and has it tell the truth of what it can: the languages are those of `isServed`. */
function guardConstructor(name, refuse, isServed) {
  const original = Intl[name];
  if (original === undefined) return;
  const { resolvedOptions } = original.prototype;
  defineMethods(original.prototype, {
    resolvedOptions() {
      const options = ReflectApply(resolvedOptions, this, []);
      options.locale = "und";
      return options;
    },
  });
  defineMethods(original, {
    supportedLocalesOf(locales) {
      const asked = locales === undefined ? [] : ArrayIsArray(locales) ? locales : [locales];
      return ArrayPrototypeFilter(asked, (locale) => isServed !== undefined && RegExpPrototypeExec(isServed, `${locale}`) !== null);
    },
  });
  const guarded = new Proxy(original, {
    __proto__: null,
    construct(target, args, newTarget) {
      refuse(args[0], args[1]);
      return ReflectConstruct(target, args, newTarget === guarded ? target : newTarget);
    },
    apply(target, self, args) {
      refuse(args[0], args[1]);
      return ReflectApply(target, self, args);
    },
  });
  const as = { __proto__: null, value: guarded, writable: true, configurable: true };
  ObjectDefineProperty(original.prototype, "constructor", as);
  ObjectDefineProperty(Intl, name, as);
}

const NUMBERS = "write value.toFixed(2) or `${value}`, and compare numbers as numbers";
const DATES =
  'write date.toISOString(), or take the parts of new Intl.DateTimeFormat(undefined, { timeZone: "Europe/Berlin" })' +
  ".formatToParts(date), which knows time zones";

guardMethod(NumberPrototype, "toLocaleString", "toLocaleString of a number", 0, NUMBERS);
guardMethod(BigIntPrototype, "toLocaleString", "toLocaleString of a bigint", 0, NUMBERS);
// The engine asks the elements of a list without what it was asked itself.
for (const prototype of [ArrayPrototype, TypedArrayPrototype]) {
  guardMethod(prototype, "toLocaleString", "toLocaleString of a list", 0, "write list.join(), and format each element yourself");
}
guardMethod(DatePrototype, "toLocaleString", "toLocaleString of a date", 0, DATES);
guardMethod(DatePrototype, "toLocaleDateString", "toLocaleDateString", 0, DATES);
guardMethod(DatePrototype, "toLocaleTimeString", "toLocaleTimeString", 0, DATES);

function always(call, instead) {
  return (locales, options) => {
    const asked = asks(locales, options);
    if (asked.language !== "" || asked.styled) throw refusal(call, asked, options, instead);
  };
}

/** What has no answer that is right. */
function never(call, instead) {
  return () => {
    throw misuse(`${call} would be wrong here, since ${ROOT_ONLY}: ${instead}`);
  };
}

guardConstructor("NumberFormat", always("Intl.NumberFormat", NUMBERS), ROOT);
defineMethods(Intl.NumberFormat.prototype, { formatToParts: never("formatToParts of a number", NUMBERS) });
guardConstructor("PluralRules", never("Intl.PluralRules", "write count === 1 ? ... : ..."));
guardConstructor("RelativeTimeFormat", never("Intl.RelativeTimeFormat", "write the words yourself"));
guardConstructor("DurationFormat", never("Intl.DurationFormat", "write the words yourself"));
guardConstructor("ListFormat", never("Intl.ListFormat", 'write list.join(", ")'));
guardConstructor("Segmenter", never("Intl.Segmenter", "write [...text] for its code points, or text.split(/\\s+/) for its words"));
// It gives back what it is given, in whatever spelling.
delete Intl.getCanonicalLocales;
guardConstructor("DateTimeFormat", (locales, options) => {
  // A time zone is obeyed, and the parts are named: what asks for no more than that is right.
  const asked = asks(locales, undefined);
  let styled = false;
  const keys = options === undefined || options === null ? [] : ObjectKeys(options);
  for (let i = 0; i < keys.length; i++) styled ||= keys[i] !== "timeZone" && options[keys[i]] !== undefined;
  if (asked.language !== "" || styled) throw refusal("Intl.DateTimeFormat", asked, options, DATES);
}, ROOT);

const ORDER = "leave both out for the order of the root collation, or compare what you mean: a.toLowerCase() < b.toLowerCase()";

function refuseOrder(call, locales, options) {
  const asked = asks(locales, options);
  const other = asked.language !== "" && RegExpPrototypeExec(ROOT_ORDER, asked.language) === null;
  if (other || asked.styled) {
    throw refusal(call, other ? asked : { language: "" }, options, ORDER);
  }
}

guardConstructor("Collator", (locales, options) => refuseOrder("Intl.Collator", locales, options), ROOT_ORDER);
const { localeCompare, toLocaleLowerCase, toLocaleUpperCase } = StringPrototype;

defineMethods(StringPrototype, {
  localeCompare(that, ...rest) {
    refuseOrder("localeCompare", rest[0], rest[1]);
    return ReflectApply(localeCompare, this, [that]);
  },
});

function cased(method, original, plain) {
  defineMethods(StringPrototype, {
    [method](...args) {
      const { language } = asks(args[0], undefined);
      if (RegExpPrototypeExec(OTHER_CASES, language) !== null) {
        throw misuse(`${method} with ${inline(language)} would be wrong here, since ${ROOT_ONLY}: write ${plain}()`);
      }
      return ReflectApply(original, this, []);
    },
  });
}
cased("toLocaleLowerCase", toLocaleLowerCase, "toLowerCase");
cased("toLocaleUpperCase", toLocaleUpperCase, "toUpperCase");

// It would be given a time of day where it has none.
const { Temporal } = globalThis;
for (const name of ["Duration", "Instant", "PlainDate", "PlainDateTime", "PlainMonthDay", "PlainTime", "PlainYearMonth", "ZonedDateTime"]) {
  const call = `toLocaleString of a Temporal.${name}`;
  if (Temporal?.[name] !== undefined) {
    defineMethods(Temporal[name].prototype, { toLocaleString: never(call, "write its toString(), or its fields") });
  }
}

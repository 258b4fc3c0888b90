// The matchers of `expect` and `check` for a `Response` of `fetch`.
//
// A refused status has the class `http`, so that the alerting can tell "it answered 503" from "it answered nonsense".
// The body is never read here: a matcher is synchronous, and reading a body consumes it. A script that has read it
// hands it over, and the failure quotes how it begins.

import { callQuietly, clip, core, misuse, primordials, readQuietly } from "./host.js";
import { inline, isResponse } from "./format.js";
import { textMatches } from "./stand_ins.js";

const {
  ArrayIsArray,
  ArrayPrototypeJoin,
  ArrayPrototypePop,
  ArrayPrototypePush,
  NumberIsInteger,
  RegExpPrototypeSymbolReplace,
  SafeRegExp,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeTrim,
} = primordials;

const URL_CHARACTERS_MAX = 200;
const BODY_CHARACTERS_MAX = 300;
/** A page's words may start far into it. */
const PAGE_CHARACTERS_MAX = 20_000;

const UNSEEN = new SafeRegExp("<(head|script|style)\\b.*?</\\1\\s*>|<[^>]*>", "gis");
const SPACES = new SafeRegExp("\\s+", "g");
const PAGE = new SafeRegExp("^\\s*<", "");

/** The reason phrases that HTTP/2 no longer sends (RFC 9110, section 15), where they say more than the number. */
const REASONS = {
  __proto__: null,
  200: "OK",
  201: "Created",
  202: "Accepted",
  204: "No Content",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

function statusText(status) {
  return REASONS[status] === undefined ? `${status}` : `${status} ${REASONS[status]}`;
}

function quotation(body) {
  if (body === undefined) return () => "";
  if (typeof body !== "string")
    throw misuse(`the body is quoted as text: await response.text(); it was given ${inline(body)}`);
  return () => {
    const words = PAGE.exec(body) === null ? body : wordsOf(body);
    return words === "" ? "the body is empty" : `the body begins: ${clip(words, BODY_CHARACTERS_MAX)}`;
  };
}

/** What a person would read on a page. */
function wordsOf(page) {
  const seen = RegExpPrototypeSymbolReplace(UNSEEN, StringPrototypeSlice(page, 0, PAGE_CHARACTERS_MAX), " ");
  return StringPrototypeTrim(RegExpPrototypeSymbolReplace(SPACES, seen, " "));
}

/** The URL without its query, which is long and may hold a code or a token. Asked for only by a failure: a response parses it anew each time. */
function address(response) {
  const url = readQuietly(response, "url");
  if (typeof url !== "string" || url === "") return "the response";
  const query = StringPrototypeIndexOf(url, "?");
  return clip(query < 0 ? url : `${StringPrototypeSlice(url, 0, query)}?…`, URL_CHARACTERS_MAX);
}

function notResponse(matcher, received, to) {
  return {
    pass: false,
    refused: true,
    to,
    detail: () => `${matcher} needs the Response of a fetch`,
    about: inline(received),
  };
}

function isStatus(status) {
  return NumberIsInteger(status) && status >= 100 && status <= 999;
}

function statuses(wanted) {
  const list = ArrayIsArray(wanted) ? wanted : [wanted];
  const words = [];
  for (let i = 0; i < list.length; i++) {
    if (!isStatus(list[i])) {
      throw misuse(
        `toHaveStatus takes a status or several: write toHaveStatus(200) or toHaveStatus([200, 204]); it was given ${inline(wanted)}`,
      );
    }
    ArrayPrototypePush(words, `${list[i]}`);
  }
  if (list.length === 0) throw misuse("toHaveStatus takes at least one status: write toHaveStatus(200)");
  const last = ArrayPrototypePop(words);
  return { list, words: words.length === 0 ? last : `${ArrayPrototypeJoin(words, ", ")} or ${last}` };
}

export const responseMatchers = {
  __proto__: null,

  toBeOk: (received, body) => {
    const detail = quotation(body);
    if (!isResponse(received)) return notResponse("toBeOk", received, "be ok");
    return {
      pass: received.status >= 200 && received.status <= 299,
      about: () => address(received),
      to: "answer with a status from 200 to 299",
      got: statusText(received.status),
      detail,
      failureClass: "http",
    };
  },
  toHaveStatus: (received, wanted, body) => {
    const detail = quotation(body);
    const { list, words } = statuses(wanted);
    if (!isResponse(received)) return notResponse("toHaveStatus", received, `have status ${words}`);
    let pass = false;
    for (let i = 0; i < list.length; i++) pass ||= list[i] === received.status;
    return {
      pass,
      about: () => address(received),
      to: `answer with status ${words}`,
      got: statusText(received.status),
      detail,
      failureClass: "http",
    };
  },
  toHaveHeader: (received, name, value) => {
    if (typeof name !== "string" || name === "") {
      throw misuse('toHaveHeader takes a name and a value: write toHaveHeader("cache-control", /immutable/)');
    }
    if (value !== undefined && typeof value !== "string" && !core.isRegExp(value)) {
      throw misuse(`toHaveHeader takes a text or a regular expression as the value; it was given ${inline(value)}`);
    }
    const to =
      value === undefined
        ? `have header ${name}`
        : `have header ${name}: ${typeof value === "string" ? clip(value, 200) : inline(value)}`;
    const headers = readQuietly(received, "headers");
    if (!isResponse(received) || headers === undefined) return notResponse("toHaveHeader", received, to);
    const got = callQuietly(headers, "get", name);
    const there = typeof got === "string";
    const holds =
      value === undefined || (there && (typeof value === "string" ? got === value : textMatches(got, value)));
    return { pass: there && holds, about: () => address(received), to, got: there ? inline(got) : "no such header" };
  },
};

// `websocket(url)`: a WebSocket whose messages are waited for, one by one. Pings of the server are answered below.

import { core, isObject, misuse, ops, primordials } from "ext:tocsin_library/host.js";
import { AssertionError } from "ext:tocsin_library/assertion_error.js";
import { inline } from "ext:tocsin_library/format.js";
import { asked, askedJson, bytesOf, optionsOf, textOf, timeoutOf } from "ext:tocsin_library/net/call.js";

const {
  ArrayIsArray,
  ArrayPrototypePush,
  ArrayPrototypeShift,
  JSONParse,
  JSONStringify,
  NumberIsInteger,
  ObjectEntries,
  ObjectFreeze,
  String,
  TypedArrayPrototypeSlice,
} = primordials;

const TEXT = 0;
const BINARY = 1;
const PING = 2;
const PONG = 3;
const CLOSE = 4;

/** Messages that came while a pong or the end was waited for, and nobody has asked for yet. */
const WAITING_MAX = 1000;

const OURS = {};

class WebSocketConnection {
  #rid;
  #url;
  #waiting = [];
  #ended;
  #pings = 0;

  constructor(opened, url, token) {
    if (token !== OURS) throw misuse('a WebSocket is made by websocket: write await websocket("wss://example.com/")');
    this.#rid = opened.rid;
    this.#url = url;
    this.url = url;
    this.protocol = opened.protocol;
    this.headers = ObjectFreeze(opened.headers);
    this.remoteAddress = opened.remoteAddress;
    this.phases = ObjectFreeze(opened.phases);
    ObjectFreeze(this);
  }

  /** Sends a text, or bytes as a binary message. */
  async send(data) {
    const bytes = bytesOf(data, "send");
    await asked(() => ops.op_net_websocket_send(this.#rid, typeof data === "string" ? TEXT : BINARY, bytes));
  }

  async sendJson(value) {
    await this.send(JSONStringify(value));
  }

  /** The next message off the wire: `{ type, ... }`; the end is remembered. */
  async #next(timeout) {
    if (this.#ended !== undefined) return this.#ended;
    const bytes = await asked(() => ops.op_net_websocket_next(this.#rid, timeout));
    const data = TypedArrayPrototypeSlice(bytes, 1);
    switch (bytes[0]) {
      case TEXT:
        return ObjectFreeze({ type: "text", text: textOf(data) });
      case BINARY:
        return ObjectFreeze({ type: "binary", bytes: data });
      case PONG:
        return { type: "pong", text: textOf(data) };
      default:
        return (this.#ended = ObjectFreeze({
          type: "close",
          code: data[0] * 256 + data[1],
          reason: textOf(TypedArrayPrototypeSlice(data, 2)),
        }));
    }
  }

  #keep(message) {
    if (this.#waiting.length >= WAITING_MAX) {
      throw new AssertionError(`${WAITING_MAX} messages of ${this.#url} wait to be received`);
    }
    ArrayPrototypePush(this.#waiting, message);
  }

  /** The next message: `{ type: "text", text }`, `{ type: "binary", bytes }` or `{ type: "close", code, reason }`. */
  async receive(options) {
    const timeout = timeoutOf(optionsOf(options, "receive", ["timeout"]), "receive");
    if (this.#waiting.length > 0) return ArrayPrototypeShift(this.#waiting);
    for (;;) {
      const message = await this.#next(timeout);
      if (message.type !== "pong") return message;
    }
  }

  /** The next message, which must be a text. */
  async receiveText(options) {
    const message = await this.receive(options);
    if (message.type === "text") return message.text;
    throw new AssertionError(`expected a text message of ${this.#url}, got ${said(message)}`);
  }

  /** The next message, which must be JSON. */
  async receiveJson(options) {
    const text = await this.receiveText(options);
    try {
      return JSONParse(text);
    } catch {
      throw new AssertionError(`expected a JSON message of ${this.#url}, got ${inline(text)}`);
    }
  }

  /** Milliseconds until the server's pong. */
  async ping(options) {
    const timeout = timeoutOf(optionsOf(options, "ping", ["timeout"]), "ping");
    const mark = `tocsin ${++this.#pings}`;
    const { performance } = core.loadExtScript("ext:deno_web/15_performance.js");
    const began = performance.now();
    await asked(() => ops.op_net_websocket_send(this.#rid, PING, bytesOf(mark, "ping")));
    for (;;) {
      const message = await this.#next(timeout);
      if (message.type === "pong" && message.text === mark) return performance.now() - began;
      if (message.type === "close") {
        throw new AssertionError(`expected a pong of ${this.#url}, got ${said(message)}`);
      }
      if (message.type !== "pong") this.#keep(message);
    }
  }

  /** Closes, and waits for the server to do so too: `{ code, reason }` of its close frame. */
  async close(code = 1000, reason = "", options) {
    const timeout = timeoutOf(optionsOf(options, "close", ["timeout"]), "close");
    if (code !== 1000 && !(NumberIsInteger(code) && code >= 3000 && code <= 4999)) {
      throw misuse(`a WebSocket is closed with 1000, or a code from 3000 to 4999; it was given ${inline(code)}`);
    }
    if (this.#ended === undefined) {
      await asked(() => ops.op_net_websocket_close(this.#rid, code, String(reason)));
    }
    for (;;) {
      const message = await this.#next(timeout);
      if (message.type === "close") {
        ops.op_net_close(this.#rid);
        return ObjectFreeze({ code: message.code, reason: message.reason });
      }
    }
  }
}
ObjectFreeze(WebSocketConnection.prototype);

function said(message) {
  if (message.type === "close") return `a close with ${message.code} ${inline(message.reason)}`;
  return message.type === "binary" ? `a binary message of ${message.bytes.length} bytes` : inline(message.text);
}

function headersOf(headers = {}) {
  if (!isObject(headers)) throw misuse(`the \`headers\` of websocket are an object; it was given ${inline(headers)}`);
  const pairs = [];
  const entries = ObjectEntries(headers);
  for (let i = 0; i < entries.length; i++) ArrayPrototypePush(pairs, [entries[i][0], String(entries[i][1])]);
  return pairs;
}

export async function websocket(url, options) {
  const given = optionsOf(options, "websocket", ["protocols", "headers", "timeout"]);
  const { protocols = [] } = given;
  if (typeof url !== "string" && !(isObject(url) && typeof url.href === "string")) {
    throw misuse(`websocket takes a URL: write websocket("wss://example.com/"); it was given ${inline(url)}`);
  }
  let isTexts = ArrayIsArray(protocols);
  for (let i = 0; isTexts && i < protocols.length; i++) isTexts = typeof protocols[i] === "string";
  if (!isTexts) throw misuse(`the \`protocols\` of websocket are a list of texts; it was given ${inline(protocols)}`);
  const wanted = {
    url: typeof url === "string" ? url : url.href,
    protocols,
    headers: headersOf(given.headers),
    timeoutMs: timeoutOf(given, "websocket"),
  };
  const opened = await askedJson(() => ops.op_net_websocket(JSONStringify(wanted)));
  return new WebSocketConnection(opened, wanted.url, OURS);
}

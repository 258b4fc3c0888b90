// TCP connections, with TLS or without.

import { misuse, ops, primordials } from "ext:tocsin_library/host.js";
import { inline } from "ext:tocsin_library/format.js";
import { addressOf, asked, askedJson, bytesOf, optionsOf, textOf, timeoutOf } from "ext:tocsin_library/net/call.js";
import { alpnOf, reportOf } from "ext:tocsin_library/net/certificate.js";

const { JSONStringify, NumberIsInteger, ObjectFreeze, StringPrototypeEndsWith, StringPrototypeSlice, Uint8Array } =
  primordials;

const READ_BYTES_MAX = 1 << 20;
const LINE_BYTES_MAX = 64 << 10;
const NEW_LINE = new Uint8Array([10]);
const NOTHING = new Uint8Array(0);

/** Only this module makes connections. */
const OURS = {};

/** A connection of the run. It is closed with the run, if not before. */
class Connection {
  #rid;
  #host;

  constructor(opened, host, token) {
    if (token !== OURS) throw misuse('a connection is made by connect: write await connect("example.com:25")');
    this.#rid = opened.rid;
    this.#host = host;
    this.remoteAddress = opened.remoteAddress;
    this.phases = ObjectFreeze(opened.phases);
    ObjectFreeze(this);
  }

  /** Sends a text as UTF-8, or bytes. */
  async send(data, options) {
    const timeout = timeoutOf(optionsOf(options, "send", ["timeout"]), "send");
    const bytes = bytesOf(data, "send");
    await asked(() => ops.op_net_write(this.#rid, bytes, timeout));
  }

  /** Ends the sending side: the peer reads to its end, and may still answer. */
  async shutdown() {
    await asked(() => ops.op_net_shutdown(this.#rid));
  }

  #read(call, count, delimiter, options, usualMax) {
    const given = optionsOf(options, call, ["timeout", "maxBytes"]);
    const timeout = timeoutOf(given, call);
    const { maxBytes = usualMax } = given;
    if (!NumberIsInteger(maxBytes) || maxBytes < 1) {
      throw misuse(`the \`maxBytes\` of ${call} is a whole number; it was given ${inline(maxBytes)}`);
    }
    return asked(() => ops.op_net_read(this.#rid, count, delimiter, maxBytes, timeout));
  }

  /** Exactly so many bytes. */
  async readBytes(count, options) {
    if (!NumberIsInteger(count) || count < 1) {
      throw misuse(`readBytes takes how many: write readBytes(4); it was given ${inline(count)}`);
    }
    return await this.#read("readBytes", count, NOTHING, options, count > READ_BYTES_MAX ? count : READ_BYTES_MAX);
  }

  /** Everything up to `end`, a text or bytes, and `end` itself. */
  async readUntil(end, options) {
    const delimiter = bytesOf(end, "readUntil");
    if (delimiter.length === 0) throw misuse("readUntil takes what it reads to, and not nothing: use readToEnd");
    return await this.#read("readUntil", 0, delimiter, options, READ_BYTES_MAX);
  }

  /** A line as a text, without its end. */
  async readLine(options) {
    const line = textOf(await this.#read("readLine", 0, NEW_LINE, options, LINE_BYTES_MAX));
    return StringPrototypeSlice(line, 0, StringPrototypeEndsWith(line, "\r\n") ? -2 : -1);
  }

  /** Everything until the peer ends the connection. */
  async readToEnd(options) {
    return await this.#read("readToEnd", 0, NOTHING, options, READ_BYTES_MAX);
  }

  /** Makes the TLS handshake on this connection, and goes on in TLS. */
  async startTls(options) {
    const call = "startTls";
    const given = optionsOf(options, call, ["serverName", "alpn", "verify", "timeout"]);
    const wanted = {
      serverName: given.serverName ?? this.#host,
      alpn: alpnOf(given, call),
      verify: given.verify ?? true,
      timeoutMs: timeoutOf(given, call),
    };
    if (typeof wanted.serverName !== "string" || typeof wanted.verify !== "boolean") {
      throw misuse(`${call} takes \`serverName\` as a text and \`verify\` as true or false`);
    }
    return reportOf(await askedJson(() => ops.op_net_start_tls(this.#rid, JSONStringify(wanted))));
  }

  close() {
    ops.op_net_close(this.#rid);
  }
}
ObjectFreeze(Connection.prototype);

/** `protocol` is what the run's record shows: `TCP`, or what is spoken on it. */
export async function dial(protocol, address, call, timeoutMs, usualPort) {
  const { host, port } = addressOf(address, call, usualPort);
  const opened = await askedJson(() => ops.op_net_tcp(protocol, host, port, timeoutMs));
  return new Connection(opened, host, OURS);
}

/** A connection to `address`; with `tls`, after a TLS handshake whose certificate must be trusted. */
export async function connect(address, options) {
  const given = optionsOf(options, "connect", ["tls", "timeout"]);
  const { tls = false } = given;
  const timeout = timeoutOf(given, "connect");
  const connection = await dial(tls === false ? "TCP" : "TLS", address, "connect", timeout);
  if (tls !== false) await connection.startTls({ ...(tls === true ? {} : tls), timeout });
  return connection;
}

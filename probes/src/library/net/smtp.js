// `smtp(address)`: how a mail server greets (RFC 5321), what it can do, and the certificate it shows after STARTTLS. No
// mail is sent.

import { misuse, primordials } from "ext:tocsin_library/host.js";
import { AssertionError } from "ext:tocsin_library/assertion_error.js";
import { inline } from "ext:tocsin_library/format.js";
import { addressOf, optionsOf, timeoutOf } from "ext:tocsin_library/net/call.js";
import { dial } from "ext:tocsin_library/net/socket.js";

const {
  ArrayPrototypePush,
  Number,
  ObjectFreeze,
  RegExpPrototypeExec,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeToUpperCase,
} = primordials;

const REPLY = /^(\d{3})(?:([ -])(.*))?$/;
const NAME = /^[A-Za-z0-9.:[\]-]+$/;
/** A reply has no bound in the standard. */
const REPLY_LINES_MAX = 200;

async function reply(connection, to, code, timeout) {
  const lines = [];
  for (;;) {
    const line = await connection.readLine({ timeout });
    const parts = RegExpPrototypeExec(REPLY, line);
    if (parts === null || lines.length >= REPLY_LINES_MAX) {
      throw new AssertionError(`expected a reply of SMTP to ${to}, got ${inline(line)}`);
    }
    ArrayPrototypePush(lines, parts[3] ?? "");
    if (parts[2] === "-") continue;
    if (Number(parts[1]) !== code) throw new AssertionError(`expected ${code} in reply to ${to}, got ${inline(line)}`);
    return { code, lines: ObjectFreeze(lines) };
  }
}

async function command(connection, text, code, timeout) {
  await connection.send(`${text}\r\n`, { timeout });
  return await reply(connection, text, code, timeout);
}

/** The keywords of an EHLO reply with their parameters: `{ SIZE: "35882577", STARTTLS: "" }`. */
function capabilitiesOf({ lines }) {
  const capabilities = { __proto__: null };
  for (let i = 1; i < lines.length; i++) {
    const space = StringPrototypeIndexOf(lines[i], " ");
    const keyword = space < 0 ? lines[i] : StringPrototypeSlice(lines[i], 0, space);
    capabilities[StringPrototypeToUpperCase(keyword)] = space < 0 ? "" : StringPrototypeSlice(lines[i], space + 1);
  }
  return ObjectFreeze({ ...capabilities });
}

export async function smtp(address, options) {
  const given = optionsOf(options, "smtp", ["ehlo", "tls", "timeout"]);
  const timeout = timeoutOf(given, "smtp");
  const { ehlo = "tocsin.invalid", tls = "starttls" } = given;
  if (typeof ehlo !== "string" || RegExpPrototypeExec(NAME, ehlo) === null) {
    throw misuse(`the \`ehlo\` of smtp is the name that it greets with; it was given ${inline(ehlo)}`);
  }
  if (tls !== "starttls" && tls !== "implicit" && tls !== "none") {
    throw misuse(`the \`tls\` of smtp is "starttls", "implicit" or "none"; it was given ${inline(tls)}`);
  }
  addressOf(address, "smtp", 25);
  const connection = await dial("SMTP", address, "smtp", timeout, tls === "implicit" ? 465 : 25);
  try {
    let report = tls === "implicit" ? await connection.startTls({ verify: false, timeout }) : undefined;
    const greeting = await reply(connection, "the connection", 220, timeout);
    const hello = await command(connection, `EHLO ${ehlo}`, 250, timeout);
    let capabilities = capabilitiesOf(hello);
    if (tls === "starttls" && capabilities.STARTTLS !== undefined) {
      await command(connection, "STARTTLS", 220, timeout);
      report = await connection.startTls({ verify: false, timeout });
      capabilities = capabilitiesOf(await command(connection, `EHLO ${ehlo}`, 250, timeout));
    }
    await connection.send("QUIT\r\n", { timeout });
    return ObjectFreeze({
      greeting: greeting.lines[0],
      name: hello.lines[0],
      capabilities,
      tls: report,
      remoteAddress: connection.remoteAddress,
      phases: report?.phases ?? connection.phases,
    });
  } finally {
    connection.close();
  }
}

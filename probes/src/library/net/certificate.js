// What a TLS handshake showed, as a script sees it; and what the issuer says of the certificate, by OCSP.

import { misuse, ops, primordials } from "ext:tocsin_library/host.js";
import { certificateOf } from "ext:tocsin_library/connection.js";
import { inline } from "ext:tocsin_library/format.js";
import { askedJson, optionsOf, timeoutOf } from "ext:tocsin_library/net/call.js";
import { dial } from "ext:tocsin_library/net/socket.js";

const { ArrayIsArray, ArrayPrototypeMap, Date, JSONStringify, ObjectFreeze, SafeWeakMap } = primordials;

/** Each report's chain and stapled response, which only the operation reads. */
const hidden = new SafeWeakMap();

function inspected(seen) {
  return certificateOf(seen, { serial: seen.serial, key: seen.key, ocspUrls: ObjectFreeze(seen.ocspUrls) });
}

export function reportOf(seen) {
  const stapled = seen.stapled ?? "";
  const report = ObjectFreeze({
    serverName: seen.serverName,
    remoteAddress: seen.remoteAddress,
    version: seen.version,
    cipher: seen.cipher,
    alpn: seen.alpn,
    trusted: seen.problems.length === 0,
    problems: ObjectFreeze(ArrayPrototypeMap(seen.problems, (problem) => ObjectFreeze(problem))),
    certificates: ObjectFreeze(ArrayPrototypeMap(seen.certificates, inspected)),
    ocspStapled: stapled !== "",
    phases: ObjectFreeze(seen.phases),
  });
  hidden.set(report, { chain: seen.chain, stapled });
  return report;
}

/** The protocols of an `alpn` option. */
export function alpnOf({ alpn = [] }, call) {
  let isTexts = ArrayIsArray(alpn);
  for (let i = 0; isTexts && i < alpn.length; i++) isTexts = typeof alpn[i] === "string" && alpn[i] !== "";
  if (!isTexts) throw misuse(`the \`alpn\` of ${call} is a list of protocols: alpn: ["h2"]; it was given ${inline(alpn)}`);
  return alpn;
}

/** Makes a TLS handshake to look at it. A certificate that is not trusted is part of the answer. */
export async function inspectTls(address, options) {
  const call = "inspectTls";
  const given = optionsOf(options, call, ["serverName", "alpn", "timeout"]);
  const timeout = timeoutOf(given, call);
  const alpn = alpnOf(given, call);
  const connection = await dial("TLS", address, call, timeout, 443);
  try {
    const { serverName } = given;
    return await connection.startTls({ alpn, verify: false, timeout, ...(serverName === undefined ? {} : { serverName }) });
  } finally {
    connection.close();
  }
}

/** What the certificate's issuer says of it: the stapled response, or where there is none, one that is asked for. */
export async function ocsp(report, options) {
  const given = optionsOf(options, "ocsp", ["responder", "stapled"]);
  const { responder, stapled = true } = given;
  const seen = hidden.get(report);
  if (seen === undefined) {
    throw misuse(`ocsp takes what inspectTls or startTls returned: write ocsp(await inspectTls("example.com")); it was given ${inline(report)}`);
  }
  if (responder !== undefined && typeof responder !== "string") {
    throw misuse(`the \`responder\` of ocsp is a URL; it was given ${inline(responder)}`);
  }
  const ask = { chain: seen.chain, stapled: stapled && responder === undefined ? seen.stapled : "", responder };
  const said = await askedJson(() => ops.op_net_ocsp(JSONStringify(ask)));
  const date = (ms) => (ms === undefined ? undefined : new Date(ms));
  return ObjectFreeze({
    ...said,
    revokedAt: date(said.revokedAt),
    producedAt: date(said.producedAt),
    thisUpdate: date(said.thisUpdate),
    nextUpdate: date(said.nextUpdate),
  });
}

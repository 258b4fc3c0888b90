// `dns(name, type)`: one question to a resolver, and its whole answer. A name that does not exist is an answer.

import { misuse, ops, primordials } from "ext:tocsin_library/host.js";
import { inline } from "ext:tocsin_library/format.js";
import { addressOf, askedJson, optionsOf, timeoutOf } from "ext:tocsin_library/net/call.js";

const { JSONStringify, ObjectFreeze } = primordials;

/** A resolver that has not answered by then will not. */
const TIMEOUT_MS = 5000;

function frozen(records) {
  for (let i = 0; i < records.length; i++) ObjectFreeze(records[i]);
  return ObjectFreeze(records);
}

export async function dns(name, type = "A", options) {
  const given = optionsOf(options, "dns", ["resolver", "transport", "dnssec", "timeout"]);
  if (typeof name !== "string" || name === "" || typeof type !== "string") {
    throw misuse(`dns takes a name and a type of record: write dns("example.com", "MX"); it was given ${inline(name)}, ${inline(type)}`);
  }
  const { resolver, transport = "auto", dnssec = false } = given;
  if (transport !== "auto" && transport !== "udp" && transport !== "tcp") {
    throw misuse(`the \`transport\` of dns is "auto", "udp" or "tcp"; it was given ${inline(transport)}`);
  }
  const address = resolver === undefined ? undefined : addressOf(resolver, "dns with a `resolver`", 53);
  const answer = await askedJson(() =>
    ops.op_net_dns(
      JSONStringify({
        name,
        type,
        resolver: address && [address.host, address.port],
        transport,
        dnssec: dnssec === true,
        timeoutMs: timeoutOf(given, "dns") || TIMEOUT_MS,
      }),
    ),
  );
  return ObjectFreeze({
    ...answer,
    records: frozen(answer.records),
    authority: frozen(answer.authority),
    additional: frozen(answer.additional),
  });
}

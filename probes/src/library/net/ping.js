// `ping(host)`: ICMP echo, where the machine lets its users send it.

import { misuse, ops, primordials } from "ext:tocsin_library/host.js";
import { inline } from "ext:tocsin_library/format.js";
import { askedJson, optionsOf, timeoutOf } from "ext:tocsin_library/net/call.js";

const { NumberIsInteger, ObjectFreeze, StringPrototypeIncludes } = primordials;

const COUNT_MAX = 100;
const EACH_MS = 1000;

export async function ping(host, options) {
  const given = optionsOf(options, "ping", ["count", "timeout"]);
  const { count = 1 } = given;
  if (typeof host !== "string" || host === "" || StringPrototypeIncludes(host, "/")) {
    throw misuse(`ping takes a host: write ping("example.com"); it was given ${inline(host)}`);
  }
  if (!NumberIsInteger(count) || count < 1 || count > COUNT_MAX) {
    throw misuse(`the \`count\` of ping is a whole number from 1 to ${COUNT_MAX}; it was given ${inline(count)}`);
  }
  const each = timeoutOf(given, "ping") || EACH_MS;
  const bare = StringPrototypeIncludes(host, ":") && host[0] !== "[";
  const pinged = await askedJson(() => ops.op_net_ping(bare ? `[${host}]` : host, count, each));
  const times = pinged.timesMs;
  let sum = 0;
  let least = times[0];
  let most = times[0];
  for (let i = 0; i < times.length; i++) {
    sum += times[i];
    if (times[i] < least) least = times[i];
    if (times[i] > most) most = times[i];
  }
  return ObjectFreeze({
    ...pinged,
    timesMs: ObjectFreeze(times),
    minMs: least,
    averageMs: sum / times.length,
    maxMs: most,
  });
}

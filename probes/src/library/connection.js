// `connection(response)`: what the transport measured and saw below a response, its certificate chain included.

import { clip, misuse, ops, primordials } from "./host.js";
import { inline, isResponse } from "./format.js";

const { ArrayPrototypePush, Date, JSONParse, ObjectFreeze } = primordials;

function milliseconds(microseconds) {
  return microseconds === undefined || microseconds === null ? undefined : microseconds / 1000;
}

/** A certificate as scripts see it; `more` is what a handshake that was looked at knows besides. */
export function certificateOf(seen, more) {
  return ObjectFreeze({
    subject: seen.subject,
    issuer: seen.issuer,
    names: ObjectFreeze(seen.names ?? []),
    notBefore: new Date(seen.not_before),
    notAfter: new Date(seen.not_after),
    daysLeft: seen.days_left,
    sha256: seen.sha256,
    ...more,
  });
}

function tls(seen) {
  if (seen === undefined || seen === null) return undefined;
  const certificates = [];
  for (let i = 0; i < seen.certificates.length; i++)
    ArrayPrototypePush(certificates, certificateOf(seen.certificates[i]));
  return ObjectFreeze({ version: seen.version, alpn: seen.alpn, certificates: ObjectFreeze(certificates) });
}

export function connection(response) {
  if (!isResponse(response) || response.url === "") {
    throw misuse(
      `connection takes the Response of a fetch: write connection(await fetch(url)); it was given ${inline(response)}`,
    );
  }
  const answer = ops.op_connection_info(response.url);
  const seen = typeof answer === "string" ? JSONParse(answer) : answer;
  if (seen === null || seen === undefined) {
    throw misuse(
      `this run made no request to ${clip(response.url, 200)}: connection takes a Response that fetch returned in this run`,
    );
  }
  const phases = seen.phases ?? {};
  return ObjectFreeze({
    url: seen.url,
    httpVersion: seen.http_version,
    remoteAddress: seen.remote_addr,
    phases: ObjectFreeze({
      dnsMs: milliseconds(phases.dns_us),
      connectMs: milliseconds(phases.connect_us),
      tlsMs: milliseconds(phases.tls_us),
      firstByteMs: milliseconds(phases.first_byte_us),
      downloadMs: milliseconds(phases.download_us),
    }),
    tls: tls(seen.tls),
  });
}

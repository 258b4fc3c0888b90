// SAML 2.0 responses, inspected: what one says, and whether that is what a service would take (SAML Profiles, section
// 4.1.4). A signature is described and not verified: that takes XML canonicalisation, and a service that does it.

import { AssertionError } from "../assertion_error.js";
import { inline } from "../format.js";
import { misuse, ops } from "../host.js";

const SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success";
const BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const CLOCK_TOLERANCE_S = 60;

/** `null` is how the other side says that something is not there. */
function bare(value) {
  if (value === null) return undefined;
  if (Array.isArray(value)) return Object.freeze(value.map(bare));
  if (typeof value !== "object") return value;
  const out = {};
  for (const [key, inner] of Object.entries(value)) out[key] = bare(inner);
  return Object.freeze(out);
}

/** Reads a response: the form field `SAMLResponse`, the query parameter, or XML. */
export function readSaml(text) {
  if (typeof text !== "string") throw misuse(`readSaml takes the text of a SAMLResponse; it was given ${inline(text)}`);
  const answer = JSON.parse(ops.op_saml_read(text));
  if (answer.refused !== undefined) throw new AssertionError(`the SAML response cannot be read: ${answer.refused}`);
  return bare(answer);
}

const EXPECTED = [
  "issuer",
  "audience",
  "destination",
  "inResponseTo",
  "subject",
  "attributes",
  "signed",
  "now",
  "clockToleranceS",
];

/** Fails where a service would refuse the response, and says why. Returns the first assertion. */
export function expectSaml(response, expected = {}) {
  for (const name of Object.keys(expected)) {
    if (!EXPECTED.includes(name)) throw misuse(`expectSaml has no option ${inline(name)}: it has ${EXPECTED.join(", ")}`);
  }
  const read = typeof response === "string" ? readSaml(response) : response;
  const refuse = (message) => new AssertionError(`the SAML response: ${message}`);
  const same = (what, wanted, got) => {
    if (wanted !== undefined && wanted !== got) throw refuse(`expected ${what} ${inline(wanted)}, got ${inline(got)}`);
  };
  const { code, subCode, message } = read.status;
  if (code !== SUCCESS) {
    const said = [subCode, message].filter((text) => text !== undefined).map((text) => inline(text));
    throw refuse(`the status is ${inline(code)}, and not Success${said.length > 0 ? `: ${said.join(", ")}` : ""}`);
  }
  same("the destination", expected.destination, read.destination);
  same("an answer to the request", expected.inResponseTo, read.inResponseTo);
  if (read.assertions.length === 0) {
    throw refuse(read.encryptedAssertions > 0 ? "its assertion is encrypted, and only the service can read it" : "it has no assertion");
  }
  if (read.issuer !== undefined) same("the issuer", expected.issuer, read.issuer);
  const [assertion] = read.assertions;
  same("the assertion's issuer", expected.issuer, assertion.issuer);
  expectAudience(assertion, expected.audience, refuse);
  expectTimes(assertion, expected, refuse);
  if (assertion.subject?.nameId === undefined || assertion.subject.nameId === "") throw refuse("its assertion names no subject");
  same("the subject", expected.subject, assertion.subject.nameId);
  for (const [name, wanted] of Object.entries(expected.attributes ?? {})) {
    const found = assertion.attributes.find((attribute) => attribute.name === name || attribute.friendlyName === name);
    if (found === undefined) {
      const names = assertion.attributes.map((attribute) => attribute.name).join(", ");
      throw refuse(`it lacks the attribute ${inline(name)}: it has ${names || "none"}`);
    }
    const missing = [wanted].flat().filter((value) => !found.values.includes(value));
    if (missing.length > 0) throw refuse(`the attribute ${inline(name)} lacks ${inline(missing)}: it has ${inline(found.values)}`);
  }
  expectSigned(read, assertion, expected.signed ?? "either", refuse);
  return assertion;
}

function expectAudience({ conditions }, audience, refuse) {
  if (audience === undefined) return;
  const restrictions = conditions?.audiences ?? [];
  if (restrictions.length === 0) throw refuse(`its assertion is for nobody in particular, and not for ${inline(audience)}`);
  for (const audiences of restrictions) {
    if (!audiences.includes(audience)) throw refuse(`expected the audience ${inline(audience)}, got ${inline(audiences)}`);
  }
}

function expectTimes({ conditions, subject }, { now = new Date(), clockToleranceS = CLOCK_TOLERANCE_S, destination, inResponseTo }, refuse) {
  const nowMs = Number(now);
  const early = ({ notBefore }) => notBefore !== undefined && !(Date.parse(notBefore) <= nowMs + clockToleranceS * 1000);
  const late = ({ notOnOrAfter }) => notOnOrAfter !== undefined && !(Date.parse(notOnOrAfter) > nowMs - clockToleranceS * 1000);
  if (conditions !== undefined && early(conditions)) throw refuse(`its assertion is good from ${conditions.notBefore}, which is still to come`);
  if (conditions !== undefined && late(conditions)) throw refuse(`its assertion was good until ${conditions.notOnOrAfter}`);
  // One bearer confirmation that holds is enough.
  let why = "it has no bearer confirmation of its subject";
  for (const confirmation of subject?.confirmations ?? []) {
    if (confirmation.method !== BEARER) continue;
    if (confirmation.notOnOrAfter === undefined) why = "its subject confirmation says no end (NotOnOrAfter)";
    else if (late(confirmation)) why = `its subject confirmation was good until ${confirmation.notOnOrAfter}`;
    else if (destination !== undefined && confirmation.recipient !== destination) {
      why = `expected its subject to be confirmed for ${inline(destination)}, got ${inline(confirmation.recipient)}`;
    } else if (inResponseTo !== undefined && confirmation.inResponseTo !== inResponseTo) {
      why = `expected its subject to be confirmed in answer to ${inline(inResponseTo)}, got ${inline(confirmation.inResponseTo)}`;
    } else return;
  }
  throw refuse(why);
}

function expectSigned(response, assertion, signed, refuse) {
  const covering = (element) => element.signature?.coversItsElement === true;
  const held = { either: covering(response) || covering(assertion), response: covering(response), assertion: covering(assertion), none: true };
  if (held[signed] === undefined) throw misuse(`\`signed\` is "either", "response", "assertion" or "none"; it was given ${inline(signed)}`);
  if (held[signed]) return;
  const found = { either: response.signature ?? assertion.signature, response: response.signature, assertion: assertion.signature }[signed];
  const subject = signed === "either" ? "neither the response nor its assertion is" : `the ${signed} is not`;
  throw refuse(found === undefined ? `${subject} signed` : `${subject} what its signature refers to`);
}

// SAML responses: what one says, and every reason for which a service would refuse it.
import { defineCheck, expect } from "tocsin";
import { expectSaml, readSaml } from "tocsin/auth";
import { told } from "../modules/told.ts";

const ACS = "https://sp.test/acs";
const now = new Date("2030-01-01T00:02:00Z");
const signature = (id: string) => `
  <ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>
    <ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>
    <ds:Reference URI="#${id}"><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/></ds:Reference>
  </ds:SignedInfo><ds:KeyInfo><ds:X509Data><ds:X509Certificate>
    AQID
  </ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>`;
const XML = `<?xml version="1.0"?>
<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns="urn:oasis:names:tc:SAML:2.0:assertion"
    ID="_r" Version="2.0" IssueInstant="2030-01-01T00:00:00Z" Destination="${ACS}" InResponseTo="_q">
  <Issuer>https://idp.test/saml</Issuer>
  <samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
  <Assertion ID="_a" Version="2.0" IssueInstant="2030-01-01T00:00:00Z">
    <Issuer>https://idp.test/saml</Issuer>${signature("_a")}
    <Subject><NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">user@a.test</NameID>
      <SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
        <SubjectConfirmationData Recipient="${ACS}" InResponseTo="_q" NotOnOrAfter="2030-01-01T00:05:00Z"/>
      </SubjectConfirmation></Subject>
    <Conditions NotBefore="2030-01-01T00:00:00Z" NotOnOrAfter="2030-01-01T00:05:00Z">
      <AudienceRestriction><Audience>https://sp.test</Audience><Audience>other</Audience></AudienceRestriction></Conditions>
    <AuthnStatement AuthnInstant="2030-01-01T00:00:00Z" SessionIndex="_s"><AuthnContext>
      <AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</AuthnContextClassRef></AuthnContext></AuthnStatement>
    <AttributeStatement>
      <Attribute Name="urn:oid:0.9.2342.19200300.100.1.3" FriendlyName="mail"><AttributeValue>user@a.test</AttributeValue></Attribute>
      <Attribute Name="groups"><AttributeValue>staff</AttributeValue><AttributeValue>admins &amp; co</AttributeValue></Attribute>
    </AttributeStatement>
  </Assertion>
</samlp:Response>`;
const GOOD = { issuer: "https://idp.test/saml", audience: "https://sp.test", destination: ACS, inResponseTo: "_q", now };

const changed = (from: string | RegExp, to: string, options: object = {}) => () => {
  const xml = XML.replaceAll(typeof from === "string" ? from : new RegExp(from, "gs"), to);
  if (xml === XML) throw new Error("the case changes nothing");
  return expectSaml(readSaml(btoa(xml)), { ...GOOD, ...options }).subject?.nameId;
};
const expecting = (options: object) => () => expectSaml(XML, { ...GOOD, ...options }).id;

export default defineCheck({
  schedule: "every 30s",
  async run() {
    const deflated = new Response(new Blob([XML]).stream().pipeThrough(new CompressionStream("deflate-raw")));
    const redirect = btoa(String.fromCharCode(...new Uint8Array(await deflated.arrayBuffer())));
    const read = readSaml(encodeURIComponent(redirect));
    expect([readSaml(XML).carrier, readSaml(btoa(XML)).carrier, read.carrier]).toEqual(["xml", "post", "redirect"]);
    expect(read).toMatchObject({ id: "_r", issuer: GOOD.issuer, destination: ACS, inResponseTo: "_q", encryptedAssertions: 0 });
    expect(read.signature).toBeUndefined();
    expect(read.assertions).toMatchObject([{ id: "_a", issuer: GOOD.issuer }]);
    expect(read.status).toEqual({ code: "urn:oasis:names:tc:SAML:2.0:status:Success" });
    const words = '"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"/></samlp:StatusCode><samlp:StatusMessage>locked out</samlp:StatusMessage>';
    expect(readSaml(XML.replace('status:Success"/>', `status:Responder${words}`)).status).toEqual({
      code: "urn:oasis:names:tc:SAML:2.0:status:Responder",
      subCode: "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed",
      message: "locked out",
    });
    const bounded = readSaml(XML.replace('SessionIndex="_s"', 'SessionIndex="_s" SessionNotOnOrAfter="2030-01-01T08:00:00Z"'));
    expect(bounded.assertions[0]!.authentications[0]!.sessionNotOnOrAfter).toBe("2030-01-01T08:00:00Z");
    expect(expectSaml(read, { ...GOOD, subject: "user@a.test", attributes: { mail: "user@a.test", groups: ["staff", "admins & co"] } })).toEqual({
      id: "_a",
      issueInstant: "2030-01-01T00:00:00Z",
      issuer: GOOD.issuer,
      subject: {
        nameId: "user@a.test",
        format: "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
        confirmations: [{ method: "urn:oasis:names:tc:SAML:2.0:cm:bearer", recipient: ACS, inResponseTo: "_q", notOnOrAfter: "2030-01-01T00:05:00Z" }],
      },
      conditions: { notBefore: "2030-01-01T00:00:00Z", notOnOrAfter: "2030-01-01T00:05:00Z", audiences: [["https://sp.test", "other"]] },
      authentications: [{ instant: "2030-01-01T00:00:00Z", sessionIndex: "_s", contextClass: "urn:oasis:names:tc:SAML:2.0:ac:classes:Password" }],
      attributes: [
        { name: "urn:oid:0.9.2342.19200300.100.1.3", friendlyName: "mail", values: ["user@a.test"] },
        { name: "groups", values: ["staff", "admins & co"] },
      ],
      signature: {
        method: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        digestMethod: "http://www.w3.org/2001/04/xmlenc#sha256",
        coversItsElement: true,
        certificateSha256: "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81",
        verified: false,
      },
    });
    await told({
      "as it should be": expecting({}),
      "refused by the provider": changed("status:Success", "status:Responder"),
      "refused with words": changed(/status:Success"\/>/, 'status:Responder"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"/></samlp:StatusCode><samlp:StatusMessage>locked out</samlp:StatusMessage>'),
      "another issuer": expecting({ issuer: "https://else.test" }),
      "another issuer of the assertion": changed(/(Instant="2030-01-01T00:00:00Z">\s*<Issuer>)https:\/\/idp/, "$1https://else"),
      "another audience": expecting({ audience: "https://else.test" }),
      "no audience": changed(/<AudienceRestriction>.*<\/AudienceRestriction>/, ""),
      "another destination": expecting({ destination: "https://else.test/acs" }),
      "another request": expecting({ inResponseTo: "_other" }),
      "another recipient": changed(`Recipient="${ACS}"`, 'Recipient="https://else.test"'),
      "expired": expecting({ now: new Date("2030-01-01T00:06:00Z") }),
      "within the tolerance": expecting({ now: new Date("2030-01-01T00:05:59Z") }),
      "without tolerance": expecting({ now: new Date("2030-01-01T00:05:00Z"), clockToleranceS: 0 }),
      "still to come": expecting({ now: new Date("2029-12-31T23:58:59Z") }),
      "a time that is none": changed('NotBefore="2030-01-01T00:00:00Z"', 'NotBefore="soon"'),
      "a confirmation without an end": changed('InResponseTo="_q" NotOnOrAfter="2030-01-01T00:05:00Z"', 'InResponseTo="_q"'),
      "a confirmation that ended": changed('InResponseTo="_q" NotOnOrAfter="2030-01-01T00:05:00Z"', 'InResponseTo="_q" NotOnOrAfter="2029-01-01T00:00:00Z"'),
      "a confirmation of another request": changed('InResponseTo="_q" NotOnOrAfter', 'InResponseTo="_o" NotOnOrAfter'),
      "no confirmation": changed("cm:bearer", "cm:holder-of-key"),
      "no subject": changed(/<NameID.*<\/NameID>/, ""),
      "another subject": expecting({ subject: "else@a.test" }),
      "a comment in the subject": changed("user@a.test</NameID>", "user@a.test<!-- -->.evil.test</NameID>"),
      "an attribute that is missing": expecting({ attributes: { phone: "1" } }),
      "an attribute with another value": expecting({ attributes: { groups: ["staff", "root"] } }),
      "no assertion": changed(/<Assertion.*<\/Assertion>/, ""),
      "an encrypted assertion": changed(/<Assertion.*<\/Assertion>/, "<EncryptedAssertion/>"),
      "no signature": changed(/<ds:Signature .*<\/ds:Signature>/, ""),
      "a signature of something else": changed('URI="#_a"', 'URI="#_r"'),
      "a signature of the response is asked for": expecting({ signed: "response" }),
      "no signature is asked for": changed(/<ds:Signature .*<\/ds:Signature>/, "", { signed: "none" }),
      "two of one ID": changed('ID="_a"', 'ID="_r"'),
      "a document type": changed('<?xml version="1.0"?>', '<!DOCTYPE x [<!ENTITY a "b">]>'),
      "another document": () => readSaml(btoa("<html/>")),
      "no XML": () => readSaml(btoa("<Response")),
      "no base64": () => readSaml("hello!"),
      "no DEFLATE": () => readSaml(btoa("hello")),
      "no text": () => readSaml(5 as any),
      "an option that does not exist": expecting({ audiance: "x" }),
      "a way to sign that does not exist": expecting({ signed: "both" }),
    });
  },
});

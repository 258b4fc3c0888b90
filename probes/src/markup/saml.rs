//! What a SAML 2.0 response says (SAML Core, sections 2 and 3.2.2). Nothing here is believed or verified: a signature is
//! described, so that a check can say that there is one, over what, and by which certificate.

use super::saml_text::{Carrier, Document};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::{Node, ParsingOptions};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

const NODES_MAX: u32 = 50_000;
const ITEMS_MAX: usize = 200;

const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SamlError {
    #[error("it is neither XML nor base64")]
    Base64,
    #[error("its base64 holds neither XML nor DEFLATE")]
    Deflate,
    #[error("its XML is not UTF-8")]
    Encoding,
    #[error("it is longer than the 1 MiB of XML that is read")]
    TooLong,
    #[error("it has a document type definition, which SAML forbids and attackers use")]
    Dtd,
    #[error("its XML has more than {NODES_MAX} nodes")]
    Nodes,
    #[error("it is no XML: {0}")]
    Xml(String),
    #[error("its root is `{0}`, and not a SAML 2.0 Response")]
    Root(String),
    #[error("two elements have the ID `{0}`, as where a signature is wrapped around another's content")]
    TwoOfOneId(String),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response {
    carrier: Carrier,
    id: Option<String>,
    issue_instant: Option<String>,
    destination: Option<String>,
    in_response_to: Option<String>,
    issuer: Option<String>,
    status: Status,
    signature: Option<Signature>,
    assertions: Vec<Assertion>,
    /// Assertions that only the service's key opens.
    encrypted_assertions: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    code: Option<String>,
    sub_code: Option<String>,
    message: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Signature {
    method: Option<String>,
    digest_method: Option<String>,
    /// Whether its one reference is the element that it stands in.
    covers_its_element: bool,
    /// Hex SHA-256 of the certificate that comes with it.
    certificate_sha256: Option<String>,
    /// Always false: described, not verified.
    verified: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Assertion {
    id: Option<String>,
    issue_instant: Option<String>,
    issuer: Option<String>,
    subject: Option<Subject>,
    conditions: Option<Conditions>,
    authentications: Vec<Authentication>,
    attributes: Vec<Attribute>,
    signature: Option<Signature>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Subject {
    name_id: Option<String>,
    format: Option<String>,
    confirmations: Vec<Confirmation>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Confirmation {
    method: Option<String>,
    recipient: Option<String>,
    in_response_to: Option<String>,
    not_before: Option<String>,
    not_on_or_after: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Conditions {
    not_before: Option<String>,
    not_on_or_after: Option<String>,
    /// One list for each restriction: all of them must hold, by any of their audiences.
    audiences: Vec<Vec<String>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Authentication {
    instant: Option<String>,
    session_index: Option<String>,
    session_not_on_or_after: Option<String>,
    context_class: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Attribute {
    name: Option<String>,
    friendly_name: Option<String>,
    values: Vec<String>,
}

pub(super) fn read(document: &Document) -> Result<Response, SamlError> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let tree = roxmltree::Document::parse_with_options(&document.xml, options).map_err(|error| match error {
        roxmltree::Error::DtdDetected => SamlError::Dtd,
        roxmltree::Error::NodesLimitReached => SamlError::Nodes,
        other => SamlError::Xml(other.to_string()),
    })?;
    let root = tree.root_element();
    if !root.has_tag_name((PROTOCOL, "Response")) {
        return Err(SamlError::Root(root.tag_name().name().to_owned()));
    }
    let mut ids: Vec<_> = root.descendants().filter_map(|node| node.attribute("ID")).collect();
    ids.sort_unstable();
    if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(SamlError::TwoOfOneId(pair[0].to_owned()));
    }
    Ok(Response {
        carrier: document.carrier,
        id: attribute(root, "ID"),
        issue_instant: attribute(root, "IssueInstant"),
        destination: attribute(root, "Destination"),
        in_response_to: attribute(root, "InResponseTo"),
        issuer: text(root, ASSERTION, "Issuer"),
        status: status(root),
        signature: signature(root),
        assertions: children(root, ASSERTION, "Assertion").map(assertion).take(ITEMS_MAX).collect(),
        encrypted_assertions: children(root, ASSERTION, "EncryptedAssertion").count(),
    })
}

fn status(response: Node<'_, '_>) -> Status {
    let status = child(response, PROTOCOL, "Status");
    let code = status.and_then(|status| child(status, PROTOCOL, "StatusCode"));
    let sub_code = code.and_then(|code| child(code, PROTOCOL, "StatusCode"));
    Status {
        code: code.and_then(|code| attribute(code, "Value")),
        sub_code: sub_code.and_then(|code| attribute(code, "Value")),
        message: status.and_then(|status| text(status, PROTOCOL, "StatusMessage")),
    }
}

fn assertion(node: Node<'_, '_>) -> Assertion {
    Assertion {
        id: attribute(node, "ID"),
        issue_instant: attribute(node, "IssueInstant"),
        issuer: text(node, ASSERTION, "Issuer"),
        subject: child(node, ASSERTION, "Subject").map(subject),
        conditions: child(node, ASSERTION, "Conditions").map(|conditions| Conditions {
            not_before: attribute(conditions, "NotBefore"),
            not_on_or_after: attribute(conditions, "NotOnOrAfter"),
            audiences: children(conditions, ASSERTION, "AudienceRestriction")
                .map(|restriction| children(restriction, ASSERTION, "Audience").map(text_of).take(ITEMS_MAX).collect())
                .take(ITEMS_MAX)
                .collect(),
        }),
        authentications: children(node, ASSERTION, "AuthnStatement").map(authentication).take(ITEMS_MAX).collect(),
        attributes: children(node, ASSERTION, "AttributeStatement")
            .flat_map(|statement| children(statement, ASSERTION, "Attribute"))
            .map(|found| Attribute {
                name: attribute(found, "Name"),
                friendly_name: attribute(found, "FriendlyName"),
                values: children(found, ASSERTION, "AttributeValue").map(text_of).take(ITEMS_MAX).collect(),
            })
            .take(ITEMS_MAX)
            .collect(),
        signature: signature(node),
    }
}

fn subject(node: Node<'_, '_>) -> Subject {
    let name_id = child(node, ASSERTION, "NameID");
    let confirmation = |confirmation: Node<'_, '_>| {
        let data = child(confirmation, ASSERTION, "SubjectConfirmationData");
        let of_data = |name| data.and_then(|data| attribute(data, name));
        Confirmation {
            method: attribute(confirmation, "Method"),
            recipient: of_data("Recipient"),
            in_response_to: of_data("InResponseTo"),
            not_before: of_data("NotBefore"),
            not_on_or_after: of_data("NotOnOrAfter"),
        }
    };
    Subject {
        name_id: name_id.map(text_of),
        format: name_id.and_then(|name_id| attribute(name_id, "Format")),
        confirmations: children(node, ASSERTION, "SubjectConfirmation").map(confirmation).take(ITEMS_MAX).collect(),
    }
}

fn authentication(node: Node<'_, '_>) -> Authentication {
    let context = child(node, ASSERTION, "AuthnContext");
    Authentication {
        instant: attribute(node, "AuthnInstant"),
        session_index: attribute(node, "SessionIndex"),
        session_not_on_or_after: attribute(node, "SessionNotOnOrAfter"),
        context_class: context.and_then(|context| text(context, ASSERTION, "AuthnContextClassRef")),
    }
}

/// The signature that stands directly in an element: one that stands elsewhere says nothing about it.
fn signature(signed: Node<'_, '_>) -> Option<Signature> {
    let signature = child(signed, SIGNATURE, "Signature")?;
    let info = child(signature, SIGNATURE, "SignedInfo");
    let algorithm = |node: Option<Node<'_, '_>>| node.and_then(|node| attribute(node, "Algorithm"));
    let references: Vec<_> = info.into_iter().flat_map(|info| children(info, SIGNATURE, "Reference")).collect();
    let digest = references.first().and_then(|reference| child(*reference, SIGNATURE, "DigestMethod"));
    let own_id = signed.attribute("ID").map(|id| format!("#{id}"));
    let certificate = signature.descendants().find(|node| node.has_tag_name((SIGNATURE, "X509Certificate")));
    let der = certificate.and_then(|node| STANDARD.decode(text_of(node).split_whitespace().collect::<String>()).ok());
    Some(Signature {
        method: algorithm(info.and_then(|info| child(info, SIGNATURE, "SignatureMethod"))),
        digest_method: algorithm(digest),
        covers_its_element: match references.as_slice() {
            [reference] => own_id.is_some() && reference.attribute("URI").map(str::to_owned) == own_id,
            _ => false,
        },
        certificate_sha256: der.map(|der| hex::encode(Sha256::digest(der))),
        verified: false,
    })
}

fn children<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    namespace: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| child.has_tag_name((namespace, name)))
}

fn child<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    namespace: &'static str,
    name: &'static str,
) -> Option<Node<'a, 'input>> {
    children(node, namespace, name).next()
}

fn attribute(node: Node<'_, '_>, name: &str) -> Option<String> {
    node.attribute(name).map(str::to_owned)
}

fn text(node: Node<'_, '_>, namespace: &'static str, name: &'static str) -> Option<String> {
    child(node, namespace, name).map(text_of)
}

/// All text of an element. Readers that stop at a comment take `admin@a.test<!---->.evil.test` for `admin@a.test`.
fn text_of(node: Node<'_, '_>) -> String {
    let texts = node.descendants().filter(Node::is_text).filter_map(|text| text.text());
    texts.collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(xml: &str) -> String {
        read(&Document { carrier: Carrier::Xml, xml: xml.to_owned() }).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_response_says_so() {
        let root = |inside: &str| format!("<Response xmlns='{PROTOCOL}' ID='r'>{inside}</Response>");
        let bomb = "<!DOCTYPE a [<!ENTITY b 'bbbbbbbb'><!ENTITY c '&b;&b;&b;&b;'>]><a>&c;&c;</a>";
        assert_eq!(refused(bomb), SamlError::Dtd.to_string());
        assert_eq!(refused("<a/>"), "its root is `a`, and not a SAML 2.0 Response");
        assert!(refused("<a>").starts_with("it is no XML: "), "{}", refused("<a>"));
        assert!(refused(&root("&who;")).contains("who"), "{}", refused(&root("&who;")));
        assert_eq!(refused(&root("<x ID='r'/>")), SamlError::TwoOfOneId("r".to_owned()).to_string());
        assert_eq!(refused(&root(&"<x/>".repeat(NODES_MAX as usize))), SamlError::Nodes.to_string());
    }

    #[test]
    fn a_comment_does_not_cut_a_name() {
        let xml = format!(
            "<Response xmlns='{PROTOCOL}'><Assertion xmlns='{ASSERTION}'><Subject>\
             <NameID>admin@a.test<!---->.evil.test</NameID></Subject></Assertion></Response>"
        );
        let response = read(&Document { carrier: Carrier::Xml, xml }).unwrap();
        let subject = response.assertions[0].subject.as_ref().unwrap();
        assert_eq!(subject.name_id.as_deref(), Some("admin@a.test.evil.test"));
    }
}

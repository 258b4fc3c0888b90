//! Documents that a check's target sends and JavaScript should not take apart with regular expressions: pages of HTML,
//! and the XML of SAML responses.
//!
//! Each operation takes a text and answers with JSON, from memory alone: no state, no socket, no file. What a document
//! may cost is bounded before it is read: its length, the number of things that are told of it, and for XML the number
//! of nodes; document type definitions are refused, and with them every entity bomb. A document that cannot be read is
//! no error of the operation but an answer, `{"refused": "why"}`, since it is the target's fault.
#![allow(unsafe_code, reason = "the op2 macro writes the engine's calling convention out in full")]

mod form;
mod html;
mod saml;
mod saml_text;

use deno_core::op2;
use serde::Serialize;

#[derive(Serialize)]
struct Refused {
    refused: String,
}

fn answer<T: Serialize, E: ToString>(read: Result<T, E>) -> String {
    let text = match read {
        Ok(read) => serde_json::to_string(&read),
        Err(error) => serde_json::to_string(&Refused { refused: error.to_string() }),
    };
    // Maps with text keys and no floats: there is nothing in them that JSON lacks.
    text.unwrap_or_else(|error| format!("{{\"refused\":\"{error}\"}}"))
}

/// Title, base URL, forms, links and resources of a page.
#[op2]
#[string]
pub(crate) fn op_html_outline(#[string] html: &str, #[string] url: &str) -> String {
    answer(html::outline(html, url))
}

/// The elements that a CSS selector finds.
#[op2]
#[string]
pub(crate) fn op_html_select(#[string] html: &str, #[string] selector: &str) -> String {
    answer(html::select(html, selector))
}

/// A SAML response, from the text of a form field or a query.
#[op2]
#[string]
pub(crate) fn op_saml_read(#[string] text: &str) -> String {
    answer(saml_text::xml_of(text).and_then(|document| saml::read(&document)))
}

use super::{Change, Fault, TokenChange, json};
use crate::recording::RecordedExchange;
use serde_json::Value;

impl Fault {
    /// A line of a script that notices it.
    pub fn hint(&self, exchange: &RecordedExchange) -> String {
        let received = exchange.received.as_ref();
        let document = received.and_then(|received| json::document(&received.body.text));
        match &self.change {
            Change::Status { .. } => {
                format!("expect(response).toHaveStatus({});", exchange.request.status.unwrap_or(200))
            }
            Change::Field { field, .. } => {
                let kind = document.as_ref().and_then(|document| field.of(document)).map_or("Object", kind);
                format!("expect(body).toMatchObject({});", nested(&field.names(), kind))
            }
            Change::ErrorBody | Change::BodyEmpty | Change::BodyTruncated | Change::BodyNotJson => match document {
                Some(document) => {
                    let first = json::fields(&document).into_iter().next();
                    let shape = first.map_or_else(
                        || "expect.any(Object)".to_owned(),
                        |field| nested(&field.names(), field.of(&document).map_or("Object", kind)),
                    );
                    format!("expect(await response.json()).toMatchObject({shape});")
                }
                None => "expect(await response.text()).toContain(\"what only the right answer says\");".to_owned(),
            },
            Change::HeaderMissing { header } => format!("expect(response).toHaveHeader({header:?});"),
            Change::ContentType => {
                let written = received.and_then(|received| received.header("content-type")).unwrap_or_default();
                let plain = written.split(';').next().unwrap_or_default().replace('/', "\\/");
                format!("expect(response).toHaveHeader(\"content-type\", /^{plain}/);")
            }
            Change::Redirect => "expect(new URL(response.url).origin).toBe(new URL(vars.URL).origin);".to_owned(),
            Change::Token { how: TokenChange::Signature, .. } => {
                "await verifyJwt(token, { keys, algorithms: [\"RS256\"], issuer, audience });".to_owned()
            }
            Change::Token { .. } => "expectClaims(token, { issuer, audience, maxAgeS: 30, validForS: 60 });".to_owned(),
            Change::CookieLost { cookie } => {
                format!("expect(response.headers.getSetCookie().join()).toContain({:?});", format!("{cookie}="))
            }
            Change::Slow { .. } => "expect(connection(response).phases.firstByteMs).toBeLessThan(2500);".to_owned(),
            Change::Reset => "await the request, and let what it throws fail the run".to_owned(),
            Change::Certificate { .. } => {
                "expect(connection(response).tls.certificates[0].daysLeft).toBeGreaterThan(14);".to_owned()
            }
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "String",
        Value::Number(_) => "Number",
        Value::Bool(_) => "Boolean",
        Value::Array(_) => "Array",
        Value::Null | Value::Object(_) => "Object",
    }
}

/// `{ files: { size: expect.any(Number) } }`
fn nested(names: &[String], kind: &str) -> String {
    let mut text = format!("expect.any({kind})");
    for name in names.iter().rev() {
        text = match name.parse::<usize>() {
            Ok(_) => format!("expect.arrayContaining([expect.objectContaining({text})])"),
            Err(_) if is_identifier(name) => format!("{{ {name}: {text} }}"),
            Err(_) => format!("{{ {name:?}: {text} }}"),
        };
    }
    text
}

fn is_identifier(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

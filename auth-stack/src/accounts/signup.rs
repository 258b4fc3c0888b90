//! `POST /dbconnections/signup`: a new account.

use crate::clock::now_ms;
use crate::oauth::Parameters;
use crate::provider::{InternalError, Node};
use crate::store::NewUser;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use std::sync::Arc;

const CONNECTION: &str = "Username-Password-Authentication";
const PASSWORD_CHARACTERS_MIN: usize = 12;
const PASSWORD_BYTES_MAX: usize = 1_024;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Refusal {
    status: StatusCode,
    code: &'static str,
    description: &'static str,
}

impl Refusal {
    const fn bad(code: &'static str, description: &'static str) -> Refusal {
        Refusal { status: StatusCode::BAD_REQUEST, code, description }
    }

    fn respond(self) -> Response {
        let body = json!({"code": self.code, "description": self.description, "statusCode": self.status.as_u16()});
        (self.status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
    }
}

/// A form of e-mail address that is good enough to write to: somebody, one @, a domain with a dot, no spaces.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let labels_good = domain.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    });
    text.len() <= 254
        && !local.is_empty()
        && !local.chars().any(|c| c.is_whitespace() || c.is_control() || "\",;<>()[]".contains(c))
        && domain.contains('.')
        && labels_good
}

fn check(parameters: &Parameters, is_client: bool) -> Result<(), Refusal> {
    if !is_client {
        return Err(Refusal::bad("invalid_client", "the client_id is missing or unknown"));
    }
    if parameters.get("connection").is_some_and(|connection| connection != CONNECTION) {
        return Err(Refusal::bad("invalid_connection", "the connection must be Username-Password-Authentication"));
    }
    let email = parameters.get("email").unwrap_or_default();
    if !is_email(email) {
        return Err(Refusal::bad("invalid_signup", "the email is missing or is not an e-mail address"));
    }
    let password = parameters.get("password").unwrap_or_default();
    if password.chars().count() < PASSWORD_CHARACTERS_MIN {
        return Err(Refusal::bad("invalid_password", "the password must have at least 12 characters"));
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(Refusal::bad("invalid_password", "the password must have at most 1024 bytes"));
    }
    if password.to_lowercase().contains(&email.to_lowercase()) {
        return Err(Refusal::bad("invalid_password", "the password must not contain the e-mail address"));
    }
    Ok(())
}

pub(crate) async fn signup(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, InternalError> {
    let (provider, now_ms) = (&node.provider, now_ms());
    let parameters = match Parameters::of_body(&headers, &body) {
        Ok(parameters) => parameters,
        Err(_) => {
            return Ok(
                Refusal::bad("invalid_body", "the body is neither a form nor a JSON object of strings").respond()
            );
        }
    };
    let is_client = parameters.get("client_id").is_some_and(|id| provider.clients.find(id).is_some());
    if let Err(refusal) = check(&parameters, is_client) {
        return Ok(refusal.respond());
    }
    let email = parameters.owned("email").unwrap_or_default();
    let name = parameters.owned("name").unwrap_or_else(|| email.clone());
    let password_hash = provider.passwords.hash(parameters.get("password").unwrap_or_default()).await?;
    let added = provider.store.add_user(NewUser { email, name, password_hash, seeded: false }, now_ms).await?;
    let Some(user) = added else {
        let description = "there is an account with this e-mail address";
        return Ok(Refusal { status: StatusCode::CONFLICT, code: "user_exists", description }.respond());
    };
    provider.metrics.signup(&node.name);
    let body = json!({"_id": user.id, "email": user.email, "email_verified": false, "name": user.name});
    Ok(([(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_signups_are_refused_by_name() {
        for (form, is_client, code) in [
            ("email=a@b.test&password=long+enough+1", true, None),
            ("email=a@b.test&password=long+enough+1", false, Some("invalid_client")),
            ("email=a@b.test&password=long+enough+1&connection=x", true, Some("invalid_connection")),
            ("email=a@b&password=long+enough+1", true, Some("invalid_signup")),
            ("email=a@@b.test&password=long+enough+1", true, Some("invalid_signup")),
            ("email=a+b@b.test&password=long+enough+1", true, Some("invalid_signup")),
            ("email=@b.test&password=long+enough+1", true, Some("invalid_signup")),
            ("email=a@-b.test&password=long+enough+1", true, Some("invalid_signup")),
            ("password=long+enough+1", true, Some("invalid_signup")),
            ("email=a@b.test&password=short", true, Some("invalid_password")),
            ("email=a@b.test", true, Some("invalid_password")),
            ("email=a@b.test&password=my+A@B.test+mail", true, Some("invalid_password")),
        ] {
            let parameters = Parameters::of_form(form.as_bytes()).expect("a form");
            assert_eq!(check(&parameters, is_client).err().map(|refusal| refusal.code), code, "{form}");
        }
    }
}

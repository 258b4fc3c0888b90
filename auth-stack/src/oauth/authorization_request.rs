//! What an application asks of `/authorize`, and whether it makes sense.

use super::clients::{Client, Clients, GrantType};
use super::parameters::{ParameterError, Parameters};
use super::{pkce, scope};
use serde::{Deserialize, Serialize};

/// An application's request that was found good. Kept while the user logs in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct AuthorizationRequest {
    pub client_id: String,
    pub redirect_uri: String,
    pub scope: String,
    pub state: Option<String>,
    pub nonce: Option<String>,
    pub challenge: Option<String>,
    pub audience: Option<String>,
    pub login_hint: Option<String>,
    /// `prompt=login`: ask for the password though there is a session.
    pub fresh_login: bool,
    /// `prompt=none`: never show a page.
    pub silent: bool,
    pub max_age_s: Option<i64>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// The client or its redirect_uri is not known to be good, so the browser must not be sent there.
    Page(String),
    /// The application is told.
    Redirect { redirect_uri: String, state: Option<String>, error: &'static str, description: String },
}

/// Decides whether a request is good.
pub(super) fn validate(
    parameters: Result<Parameters, ParameterError>,
    clients: &Clients,
) -> Result<AuthorizationRequest, Refusal> {
    let parameters = parameters.map_err(|error| Refusal::Page(error.to_string()))?;
    let page = |text: &str| Refusal::Page(text.to_owned());
    let client_id = parameters.get("client_id").ok_or_else(|| page("the client_id is missing"))?;
    let client = clients.find(client_id).ok_or_else(|| page("there is no such client"))?;
    let redirect_uri = parameters.owned("redirect_uri").ok_or_else(|| page("the redirect_uri is missing"))?;
    if !client.redirect_uris.contains(&redirect_uri) {
        return Err(page("the redirect_uri is not registered for this client"));
    }
    check(&parameters, client).map_err(|(error, description)| Refusal::Redirect {
        redirect_uri: redirect_uri.clone(),
        state: parameters.owned("state"),
        error,
        description,
    })?;
    let prompt = parameters.get("prompt").unwrap_or_default();
    Ok(AuthorizationRequest {
        client_id: client_id.to_owned(),
        redirect_uri,
        scope: scope::granted_to_user(parameters.get("scope")),
        state: parameters.owned("state"),
        nonce: parameters.owned("nonce"),
        challenge: parameters.owned("code_challenge"),
        audience: parameters.owned("audience"),
        login_hint: parameters.owned("login_hint"),
        fresh_login: prompt == "login",
        silent: prompt == "none",
        max_age_s: parameters.get("max_age").and_then(|age| age.parse().ok()),
    })
}

fn check(parameters: &Parameters, client: &Client) -> Result<(), (&'static str, String)> {
    let fail = |error, description: &str| Err((error, description.to_owned()));
    match parameters.get("response_type") {
        Some("code") => {}
        Some(_) => return fail("unsupported_response_type", "the response_type must be code"),
        None => return fail("invalid_request", "the response_type is missing"),
    }
    if !client.may(GrantType::AuthorizationCode) {
        return fail("unauthorized_client", "the client may not use codes");
    }
    match (parameters.get("code_challenge"), parameters.get("code_challenge_method")) {
        (None, _) if client.is_public() => return fail("invalid_request", "a public client needs a code_challenge"),
        (None, _) => {}
        (Some(_), Some(method)) if method != "S256" => {
            return fail("invalid_request", "the code_challenge_method must be S256");
        }
        // RFC 7636 says that a method left out is plain, which is not allowed here.
        (Some(_), None) => return fail("invalid_request", "the code_challenge_method is missing; it must be S256"),
        (Some(challenge), Some(_)) if !pkce::is_challenge(challenge) => {
            return fail("invalid_request", "the code_challenge is not a SHA-256 in base64url");
        }
        (Some(_), Some(_)) => {}
    }
    if let Some(audience) = parameters.get("audience")
        && client.audience != Some(audience)
    {
        return fail("invalid_target", "the client may not have tokens for this audience");
    }
    if let Some(prompt) = parameters.get("prompt")
        && !["none", "login"].contains(&prompt)
    {
        return fail("invalid_request", "the prompt must be none or login");
    }
    if let Some(age) = parameters.get("max_age")
        && !age.parse::<i64>().is_ok_and(|age| age >= 0)
    {
        return fail("invalid_request", "the max_age must be a number of seconds");
    }
    if ["request", "request_uri"].iter().any(|key| parameters.get(key).is_some()) {
        return fail("request_not_supported", "request objects are not supported");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn validated(query: &str) -> Result<AuthorizationRequest, Refusal> {
        validate(Parameters::of_form(query.as_bytes()), &Clients::seeded("https://localhost:9443"))
    }

    fn good(more: &str) -> String {
        format!(
            "response_type=code&client_id=tocsin-spa&redirect_uri=https%3A%2F%2Flocalhost%3A9443%2Fcallback\
             &state=s1&code_challenge={CHALLENGE}&code_challenge_method=S256{more}"
        )
    }

    #[test]
    fn a_bad_client_or_redirect_is_never_redirected_to() {
        for (query, why) in [
            (String::new(), "the client_id is missing"),
            ("client_id=nobody".to_owned(), "there is no such client"),
            ("client_id=tocsin-spa".to_owned(), "the redirect_uri is missing"),
            (good("").replace("callback", "callback/"), "the redirect_uri is not registered for this client"),
            (good("").replace("localhost", "evil.test"), "the redirect_uri is not registered for this client"),
            (good("&state=s2"), "the parameter state is repeated"),
        ] {
            assert_eq!(validated(&query), Err(Refusal::Page(why.to_owned())), "{query}");
        }
    }

    #[test]
    fn other_mistakes_are_told_to_the_application_with_its_state() {
        for (query, expected) in [
            (good("").replace("type=code", "type=token"), "unsupported_response_type"),
            (good("").replace("response_type", "x"), "invalid_request"),
            (good("").replace("S256", "plain"), "invalid_request"),
            (good("").replace("&code_challenge_method=S256", ""), "invalid_request"),
            (good("").replace(CHALLENGE, "short"), "invalid_request"),
            (good("").replace("code_challenge=", "x="), "invalid_request"),
            (good("&audience=https://else.test/"), "invalid_target"),
            (good("&prompt=consent"), "invalid_request"),
            (good("&max_age=-1"), "invalid_request"),
            (good("&request=x"), "request_not_supported"),
        ] {
            match validated(&query) {
                Err(Refusal::Redirect { redirect_uri, state, error, .. }) => {
                    assert_eq!(error, expected, "{query}");
                    assert_eq!(redirect_uri, "https://localhost:9443/callback");
                    assert_eq!(state.as_deref(), Some("s1"));
                }
                other => panic!("{query}: {other:?}"),
            }
        }
    }
}

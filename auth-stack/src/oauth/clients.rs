//! The registered applications, and how they prove who they are (RFC 6749 section 2.3).

use super::error::{ErrorCode, TokenError};
use super::parameters::Parameters;
use crate::secret::same;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

/// A grant type of the token endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum GrantType {
    Password,
    ClientCredentials,
    AuthorizationCode,
    RefreshToken,
}

impl GrantType {
    const ALL: [GrantType; 4] =
        [GrantType::Password, GrantType::ClientCredentials, GrantType::AuthorizationCode, GrantType::RefreshToken];

    pub fn name(self) -> &'static str {
        match self {
            GrantType::Password => "password",
            GrantType::ClientCredentials => "client_credentials",
            GrantType::AuthorizationCode => "authorization_code",
            GrantType::RefreshToken => "refresh_token",
        }
    }

    pub fn parse(name: &str) -> Option<GrantType> {
        GrantType::ALL.into_iter().find(|grant| grant.name() == name)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Client {
    pub id: &'static str,
    /// Absent: a public client, which proves itself by PKCE.
    pub secret: Option<&'static str>,
    pub grants: &'static [GrantType],
    /// Compared as they are, character by character.
    pub redirect_uris: Vec<String>,
    /// The API that its tokens may be for.
    pub audience: Option<&'static str>,
}

impl Client {
    pub fn is_public(&self) -> bool {
        self.secret.is_none()
    }

    pub fn may(&self, grant: GrantType) -> bool {
        self.grants.contains(&grant)
    }
}

/// What others need to know of a client, as in the ready file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ClientCredentials {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
}

pub(crate) const API_AUDIENCE: &str = "https://api.tocsin.test/";

/// All registered applications.
pub(crate) struct Clients(Vec<Client>);

impl Clients {
    /// The three that the reference stack is made with.
    pub fn seeded(origin: &str) -> Clients {
        use GrantType::{AuthorizationCode, ClientCredentials, Password, RefreshToken};
        Clients(vec![
            Client {
                id: "tocsin-spa",
                secret: None,
                grants: &[AuthorizationCode, RefreshToken],
                redirect_uris: vec![format!("{origin}/callback")],
                audience: Some(API_AUDIENCE),
            },
            Client {
                id: "tocsin-native",
                secret: Some("native-secret"),
                grants: &[Password, RefreshToken, AuthorizationCode],
                redirect_uris: vec![format!("{origin}/callback")],
                audience: Some(API_AUDIENCE),
            },
            Client {
                id: "tocsin-m2m",
                secret: Some("m2m-secret"),
                grants: &[ClientCredentials],
                redirect_uris: Vec::new(),
                audience: Some(API_AUDIENCE),
            },
        ])
    }

    pub fn find(&self, id: &str) -> Option<&Client> {
        self.0.iter().find(|client| client.id == id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Client> {
        self.0.iter()
    }

    /// Finds out which client asks, by HTTP Basic or by the body, never both.
    pub(super) fn authenticate(&self, headers: &HeaderMap, parameters: &Parameters) -> Result<&Client, TokenError> {
        let invalid_client = |description| TokenError::new(ErrorCode::InvalidClient, description);
        let in_body = (parameters.get("client_id"), parameters.get("client_secret"));
        let (id, secret) = match (basic_credentials(headers), in_body) {
            (Some(_), (_, Some(_))) => {
                return Err(TokenError::new(
                    ErrorCode::InvalidRequest,
                    "give the client secret once: in the header or in the body",
                ));
            }
            (Some(Err(())), _) => return Err(invalid_client("the Authorization header does not parse")),
            (Some(Ok((id, _))), (Some(other), None)) if id != other => {
                return Err(TokenError::new(
                    ErrorCode::InvalidRequest,
                    "the header and the body name different clients",
                ));
            }
            (Some(Ok((id, secret))), _) => (id, Some(secret)),
            (None, (Some(id), secret)) => (id.to_owned(), secret.map(str::to_owned)),
            (None, (None, _)) => return Err(invalid_client("the client_id is missing")),
        };
        let client = self.find(&id).ok_or_else(|| invalid_client("there is no such client"))?;
        match (client.secret, secret) {
            (None, None) => Ok(client),
            (Some(own), Some(given)) if same(own, &given) => Ok(client),
            (Some(_), None) => Err(invalid_client("the client secret is missing")),
            // A public client that sends an empty secret by Basic is what some libraries do.
            (None, Some(given)) if given.is_empty() => Ok(client),
            _ => Err(invalid_client("the client secret is wrong")),
        }
    }
}

/// The credentials of `Authorization: Basic`, each form-encoded as RFC 6749 section 2.3.1 demands. `None` without
/// such a header.
fn basic_credentials(headers: &HeaderMap) -> Option<Result<(String, String), ()>> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decode = || {
        let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (id, secret) = pair.split_once(':')?;
        let plain = |text: &str| {
            percent_decode_str(&text.replace('+', " ")).decode_utf8().ok().map(std::borrow::Cow::into_owned)
        };
        Some((plain(id)?, plain(secret)?))
    };
    Some(decode().ok_or(()))
}

//! The registered applications, and how they prove who they are (RFC 6749 section 2.3).

use super::client_assertion;
use super::error::{ErrorCode, TokenError};
use super::parameters::Parameters;
use crate::clock::now_ms;
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
    DeviceCode,
}

impl GrantType {
    pub const ALL: [GrantType; 5] = [
        GrantType::AuthorizationCode,
        GrantType::RefreshToken,
        GrantType::Password,
        GrantType::ClientCredentials,
        GrantType::DeviceCode,
    ];

    pub fn name(self) -> &'static str {
        match self {
            GrantType::Password => "password",
            GrantType::ClientCredentials => "client_credentials",
            GrantType::AuthorizationCode => "authorization_code",
            GrantType::RefreshToken => "refresh_token",
            GrantType::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
        }
    }

    pub fn parse(name: &str) -> Option<GrantType> {
        GrantType::ALL.into_iter().find(|grant| grant.name() == name)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Client {
    pub id: &'static str,
    pub secret: Option<&'static str>,
    /// The PEM of the public key that its assertions verify with. With neither key nor secret the client is public, and
    /// proves itself by PKCE or by the person who enters its code.
    pub key: Option<&'static str>,
    pub grants: &'static [GrantType],
    /// Compared as they are, character by character.
    pub redirect_uris: Vec<String>,
    /// The API that its tokens may be for.
    pub audience: Option<&'static str>,
}

impl Client {
    /// The private half of its key, for those who play the client.
    pub fn private_key(&self) -> Option<&'static str> {
        self.key.map(|_| SERVICE_PRIVATE_KEY)
    }

    pub fn is_public(&self) -> bool {
        self.secret.is_none() && self.key.is_none()
    }

    pub fn may(&self, grant: GrantType) -> bool {
        self.grants.contains(&grant)
    }

    /// The audience that a request asks for, if the client may have it.
    pub(super) fn allowed_audience(&self, parameters: &Parameters) -> Result<Option<String>, TokenError> {
        match parameters.get("audience") {
            Some(audience) if self.audience != Some(audience) => {
                Err(TokenError::new(ErrorCode::InvalidTarget, "the client may not have tokens for this audience"))
            }
            audience => Ok(audience.map(str::to_owned)),
        }
    }
}

/// What others need to know of a client, as in the ready file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ClientCredentials {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// PEM (PKCS#8) of the key that it signs its assertions with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
}

pub(crate) const API_AUDIENCE: &str = "https://api.tocsin.test/";

const SERVICE_KEY: &str = include_str!("../../assets/service-key.pub.pem");
const SERVICE_PRIVATE_KEY: &str = include_str!("../../assets/service-key.pem");

/// All registered applications.
pub(crate) struct Clients {
    clients: Vec<Client>,
    /// Whom a client's assertion may be for: the token endpoint, or the issuer.
    assertion_audiences: [String; 2],
}

impl Clients {
    /// The five that the reference stack is made with.
    pub fn seeded(origin: &str) -> Clients {
        use GrantType::{AuthorizationCode, ClientCredentials, DeviceCode, Password, RefreshToken};
        let clients = vec![
            Client {
                id: "tocsin-spa",
                secret: None,
                key: None,
                grants: &[AuthorizationCode, RefreshToken],
                redirect_uris: vec![format!("{origin}/callback")],
                audience: Some(API_AUDIENCE),
            },
            Client {
                id: "tocsin-native",
                secret: Some("native-secret"),
                key: None,
                grants: &[Password, RefreshToken, AuthorizationCode],
                redirect_uris: vec![format!("{origin}/callback")],
                audience: Some(API_AUDIENCE),
            },
            Client {
                id: "tocsin-m2m",
                secret: Some("m2m-secret"),
                key: None,
                grants: &[ClientCredentials],
                redirect_uris: Vec::new(),
                audience: Some(API_AUDIENCE),
            },
            Client {
                id: "tocsin-service",
                secret: None,
                key: Some(SERVICE_KEY),
                grants: &[ClientCredentials],
                redirect_uris: Vec::new(),
                audience: Some(API_AUDIENCE),
            },
            Client {
                id: "tocsin-tv",
                secret: None,
                key: None,
                grants: &[DeviceCode, RefreshToken],
                redirect_uris: Vec::new(),
                audience: Some(API_AUDIENCE),
            },
        ];
        Clients { clients, assertion_audiences: [format!("{origin}/oauth/token"), format!("{origin}/")] }
    }

    pub fn find(&self, id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.id == id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Client> {
        self.clients.iter()
    }

    /// Finds out which client asks, by HTTP Basic or by the body, never both.
    pub(super) fn authenticate(&self, headers: &HeaderMap, parameters: &Parameters) -> Result<&Client, TokenError> {
        let invalid_client = |description| TokenError::new(ErrorCode::InvalidClient, description);
        if let Some(assertion) = parameters.get("client_assertion") {
            return self.authenticate_by_assertion(assertion, parameters);
        }
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
            (None, _) if client.key.is_some() => Err(invalid_client("the client proves itself by a client_assertion")),
            (None, None) => Ok(client),
            (Some(own), Some(given)) if same(own, &given) => Ok(client),
            (Some(_), None) => Err(invalid_client("the client secret is missing")),
            // A public client that sends an empty secret by Basic is what some libraries do.
            (None, Some(given)) if given.is_empty() => Ok(client),
            _ => Err(invalid_client("the client secret is wrong")),
        }
    }

    fn authenticate_by_assertion(&self, assertion: &str, parameters: &Parameters) -> Result<&Client, TokenError> {
        let invalid_client = |description| TokenError::new(ErrorCode::InvalidClient, description);
        if parameters.get("client_assertion_type") != Some(client_assertion::TYPE) {
            return Err(TokenError::new(ErrorCode::InvalidRequest, "the client_assertion_type must be jwt-bearer"));
        }
        let claimed = client_assertion::claimed_client(assertion);
        let id = claimed.ok_or_else(|| invalid_client("the client_assertion does not parse"))?;
        if parameters.get("client_id").is_some_and(|given| given != id) {
            return Err(invalid_client("the client_assertion is of another client than the client_id"));
        }
        let client = self.find(&id).ok_or_else(|| invalid_client("there is no such client"))?;
        let key = client.key.ok_or_else(|| invalid_client("the client has no key to sign assertions with"))?;
        client_assertion::verify(assertion, client.id, key, &self.assertion_audiences, now_ms() / 1_000)
            .map_err(invalid_client)?;
        Ok(client)
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

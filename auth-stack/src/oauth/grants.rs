//! The five ways to tokens. Each finds out what is granted, and the refresh token that goes with it, if any.

use super::claims::Granted;
use super::clients::{Client, GrantType};
use super::error::{ErrorCode, TokenError};
use super::parameters::Parameters;
use super::{device, pkce, scope};
use crate::accounts::{self, Way};
use crate::fault::{FaultKind, Hits};
use crate::provider::Node;
use crate::secret::random_token;
use crate::store::{Next, Poll, Redemption, RefreshGrant, Rotation};

/// A request to the token endpoint whose client is known.
pub(super) struct Ask<'a> {
    pub node: &'a Node,
    pub client: &'a Client,
    pub parameters: &'a Parameters,
    pub hits: &'a Hits,
    pub now_ms: i64,
}

type Grant = (Granted, Option<String>);

fn invalid_grant(description: &'static str) -> TokenError {
    TokenError::new(ErrorCode::InvalidGrant, description)
}

impl Ask<'_> {
    fn required(&self, key: &'static str) -> Result<&str, TokenError> {
        let missing = || TokenError::new(ErrorCode::InvalidRequest, format!("the parameter {key} is missing"));
        self.parameters.get(key).ok_or_else(missing)
    }

    fn audience(&self) -> Result<Option<String>, TokenError> {
        self.client.allowed_audience(self.parameters)
    }

    /// A refresh token for what was granted, when offline access is part of it.
    async fn first_refresh_token(
        &self,
        granted: &Granted,
        family: Option<String>,
    ) -> Result<Option<String>, TokenError> {
        let Some(user) = &granted.user else { return Ok(None) };
        let wanted = scope::has(&granted.scope, "offline_access") && self.client.may(GrantType::RefreshToken);
        if !wanted || self.hits.has(FaultKind::NoRefresh) {
            return Ok(None);
        }
        let token = random_token();
        let grant = RefreshGrant {
            client_id: granted.client_id.clone(),
            user_id: user.id.clone(),
            scope: granted.scope.clone(),
            audience: granted.audience.clone(),
            auth_time_ms: granted.auth_time_ms.unwrap_or(self.now_ms),
        };
        self.node.provider.store.add_refresh_token(&token, family, grant, self.refresh_expires_ms()).await?;
        Ok(Some(token))
    }

    fn refresh_expires_ms(&self) -> i64 {
        self.now_ms + i64::from(self.node.provider.lifetimes.refresh_token_s) * 1_000
    }
}

/// RFC 6749 section 4.3.
pub(super) async fn password(ask: &Ask<'_>) -> Result<Grant, TokenError> {
    let (username, password) = (ask.required("username")?, ask.required("password")?);
    let audience = ask.audience()?;
    let way = Way::PasswordGrant;
    let user = accounts::sign_in(ask.node, ask.hits, username, password, ask.client.id, way, ask.now_ms)
        .await
        .map_err(TokenError::Internal)?;
    let granted = Granted {
        client_id: ask.client.id.to_owned(),
        user: Some(user.ok_or_else(|| invalid_grant("wrong e-mail address or password"))?),
        scope: scope::granted_to_user(ask.parameters.get("scope")),
        audience,
        nonce: None,
        auth_time_ms: Some(ask.now_ms),
    };
    let refresh_token = ask.first_refresh_token(&granted, None).await?;
    Ok((granted, refresh_token))
}

/// RFC 6749 section 4.4.
pub(super) fn client_credentials(ask: &Ask<'_>) -> Result<Grant, TokenError> {
    let audience = ask.audience()?.or_else(|| ask.client.audience.map(str::to_owned));
    let scope = scope::granted_to_machine(ask.parameters.get("scope")).map_err(|unknown| {
        TokenError::new(ErrorCode::InvalidScope, format!("the client may not have the scope {unknown}"))
    })?;
    let client_id = ask.client.id.to_owned();
    Ok((Granted { client_id, user: None, scope, audience, nonce: None, auth_time_ms: None }, None))
}

/// RFC 6749 section 4.1.3, RFC 7636 section 4.6.
pub(super) async fn authorization_code(ask: &Ask<'_>) -> Result<Grant, TokenError> {
    let (code, redirect_uri) = (ask.required("code")?, ask.required("redirect_uri")?);
    let verifier = ask.parameters.get("code_verifier");
    let store = &ask.node.provider.store;
    let (grant, family) = match store.redeem_code(code, ask.now_ms).await? {
        Redemption::Granted { grant, family } => (grant, family),
        Redemption::Unknown => return Err(invalid_grant("there is no such code")),
        Redemption::Expired => return Err(invalid_grant("the code has expired")),
        Redemption::Reused => return Err(invalid_grant("the code was used before; its tokens are revoked")),
    };
    if grant.client_id != ask.client.id {
        return Err(invalid_grant("the code belongs to another client"));
    }
    if grant.redirect_uri != redirect_uri {
        return Err(invalid_grant("the redirect_uri is not the one that the code was sent to"));
    }
    match (&grant.challenge, verifier) {
        _ if ask.hits.has(FaultKind::PkceIgnored) => {}
        (Some(challenge), Some(verifier)) if pkce::verifies(verifier, challenge) => {}
        (Some(_), None) => return Err(invalid_grant("the code_verifier is missing")),
        (Some(_), Some(_)) => return Err(invalid_grant("the code_verifier does not match the code_challenge")),
        // Accepting a verifier that nobody asked for would hide a downgrade (RFC 9700 section 2.1.1).
        (None, Some(_)) => return Err(invalid_grant("there was no code_challenge for this code_verifier")),
        (None, None) => {}
    }
    let user = store.user_by_id(&grant.user_id).await?;
    let granted = Granted {
        client_id: grant.client_id,
        user: Some(user.ok_or_else(|| invalid_grant("the account is gone"))?),
        scope: grant.scope,
        audience: grant.audience,
        nonce: grant.nonce,
        auth_time_ms: Some(grant.auth_time_ms),
    };
    let refresh_token = ask.first_refresh_token(&granted, Some(family)).await?;
    Ok((granted, refresh_token))
}

/// RFC 8628 sections 3.4 and 3.5.
pub(super) async fn device_code(ask: &Ask<'_>) -> Result<Grant, TokenError> {
    let code = ask.required("device_code")?;
    let store = &ask.node.provider.store;
    let interval_ms = i64::from(device::INTERVAL_S) * 1_000;
    let refuse = |code, description| Err(TokenError::new(code, description));
    let (grant, user_id, auth_time_ms) =
        match store.poll_device_code(code, ask.client.id, interval_ms, ask.now_ms).await? {
            Poll::Granted { grant, user_id, auth_time_ms } => (grant, user_id, auth_time_ms),
            Poll::Pending => return refuse(ErrorCode::AuthorizationPending, "nobody has entered the code yet"),
            Poll::TooSoon => return refuse(ErrorCode::SlowDown, "wait longer before you ask again"),
            Poll::Denied => return refuse(ErrorCode::AccessDenied, "the person denied it"),
            Poll::Expired => return refuse(ErrorCode::ExpiredToken, "the device code has expired"),
            Poll::Unknown => return Err(invalid_grant("there is no such device code")),
        };
    let user = store.user_by_id(&user_id).await?;
    let granted = Granted {
        client_id: grant.client_id,
        user: Some(user.ok_or_else(|| invalid_grant("the account is gone"))?),
        scope: grant.scope,
        audience: grant.audience,
        nonce: None,
        auth_time_ms: Some(auth_time_ms),
    };
    let refresh_token = ask.first_refresh_token(&granted, None).await?;
    Ok((granted, refresh_token))
}

/// RFC 6749 section 6, with rotation.
pub(super) async fn refresh_token(ask: &Ask<'_>) -> Result<Grant, TokenError> {
    let presented = ask.required("refresh_token")?;
    if ask.hits.has(FaultKind::RefreshRefused) {
        return Err(invalid_grant("the refresh token is invalid"));
    }
    let keep = ask.hits.has(FaultKind::RefreshNotRotated);
    let (token, next) = if keep {
        (presented.to_owned(), Next::Keep)
    } else {
        let token = random_token();
        (token.clone(), Next::Replace { token, expires_ms: ask.refresh_expires_ms() })
    };
    let store = &ask.node.provider.store;
    let grant = match store.rotate_refresh_token(presented, ask.client.id, next, ask.now_ms).await? {
        Rotation::Rotated(grant) => grant,
        Rotation::Unknown => return Err(invalid_grant("there is no such refresh token")),
        Rotation::Expired => return Err(invalid_grant("the refresh token has expired")),
        Rotation::Revoked => return Err(invalid_grant("the refresh token is revoked")),
        Rotation::Reused => return Err(invalid_grant("the refresh token was used before; its family is revoked")),
        Rotation::OtherClient => return Err(invalid_grant("the refresh token belongs to another client")),
    };
    let scope = scope::narrowed(&grant.scope, ask.parameters.get("scope")).map_err(|wider| {
        TokenError::new(ErrorCode::InvalidScope, format!("the scope {wider} was not granted at first"))
    })?;
    let user = store.user_by_id(&grant.user_id).await?;
    let granted = Granted {
        client_id: grant.client_id,
        user: Some(user.ok_or_else(|| invalid_grant("the account is gone"))?),
        scope,
        audience: grant.audience,
        nonce: None,
        auth_time_ms: Some(grant.auth_time_ms),
    };
    Ok((granted, (!ask.hits.has(FaultKind::NoRefresh)).then_some(token)))
}

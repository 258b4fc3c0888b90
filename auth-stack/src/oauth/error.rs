//! Errors of the token endpoint (RFC 6749 section 5.2, RFC 8707 for `invalid_target`).

use crate::provider::InternalError;
use axum::Json;
use axum::http::header::{CACHE_CONTROL, PRAGMA, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::borrow::Cow;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ErrorCode {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    InvalidScope,
    InvalidTarget,
    /// The four of RFC 8628 section 3.5.
    AuthorizationPending,
    SlowDown,
    AccessDenied,
    ExpiredToken,
}

impl ErrorCode {
    pub fn name(self) -> &'static str {
        match self {
            ErrorCode::InvalidRequest => "invalid_request",
            ErrorCode::InvalidClient => "invalid_client",
            ErrorCode::InvalidGrant => "invalid_grant",
            ErrorCode::UnauthorizedClient => "unauthorized_client",
            ErrorCode::UnsupportedGrantType => "unsupported_grant_type",
            ErrorCode::InvalidScope => "invalid_scope",
            ErrorCode::InvalidTarget => "invalid_target",
            ErrorCode::AuthorizationPending => "authorization_pending",
            ErrorCode::SlowDown => "slow_down",
            ErrorCode::AccessDenied => "access_denied",
            ErrorCode::ExpiredToken => "expired_token",
        }
    }
}

#[derive(Debug)]
pub(super) enum TokenError {
    Refused { code: ErrorCode, description: Cow<'static, str> },
    Internal(InternalError),
}

impl TokenError {
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> TokenError {
        TokenError::Refused { code, description: description.into() }
    }
}

impl<E: std::error::Error> From<E> for TokenError {
    fn from(error: E) -> TokenError {
        TokenError::Internal(error.into())
    }
}

impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        let (code, description) = match self {
            TokenError::Refused { code, description } => (code, description),
            TokenError::Internal(error) => return error.into_response(),
        };
        let status = if code == ErrorCode::InvalidClient { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        let mut response = error_json(status, code.name(), &description);
        if code == ErrorCode::InvalidClient {
            // RFC 6749 demands it when the client tried Basic, and allows it otherwise.
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"token endpoint\""));
        }
        response
    }
}

/// An error object as all JSON endpoints answer it. Never cached.
pub(crate) fn error_json(status: StatusCode, code: &str, description: &str) -> Response {
    let body = Json(json!({"error": code, "error_description": description}));
    (status, [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")], body).into_response()
}

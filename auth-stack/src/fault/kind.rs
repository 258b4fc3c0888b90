//! The kinds of fault, each with what it does, where it can hold, and what can be set.

use crate::component::Component;
use serde::Serialize;

/// A number that a kind of fault takes besides node, component, ratio and duration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub enum Parameter {
    /// Milliseconds of delay.
    #[serde(rename = "ms")]
    Ms,
    /// HTTP status of the answer.
    #[serde(rename = "status")]
    Status,
    /// Days that the certificate has left; negative is expired.
    #[serde(rename = "days")]
    Days,
}

use Component::{Authorize, Cdn, Dashboard, Discovery, Docs, Jwks, Login, Logout, Token, Userinfo};

macro_rules! fault_kinds {
    ($($variant:ident $name:literal $components:expr, $parameter:expr, $summary:literal;)+) => {
        /// One way in which the provider can be broken.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum FaultKind {
            $(#[doc = $summary] $variant,)+
        }

        impl FaultKind {
            pub const ALL: &'static [FaultKind] = &[$(FaultKind::$variant),+];

            pub fn name(self) -> &'static str {
                match self { $(FaultKind::$variant => $name,)+ }
            }

            /// What it does and what a check would notice, in a sentence.
            pub fn summary(self) -> &'static str {
                match self { $(FaultKind::$variant => $summary,)+ }
            }

            /// The components that it can hit. Empty: it is of a whole node, not of requests.
            pub fn components(self) -> &'static [Component] {
                match self { $(FaultKind::$variant => $components,)+ }
            }

            pub fn parameter(self) -> Option<Parameter> {
                match self { $(FaultKind::$variant => $parameter,)+ }
            }
        }
    };
}

fault_kinds! {
    Slow "slow" &Component::ALL, Some(Parameter::Ms),
        "answers come after a delay of --ms (3000)";
    Error "error" &Component::ALL, Some(Parameter::Status),
        "answers are errors with --status (500)";
    Outage "outage" &[], None,
        "the node refuses connections and closes those it has";
    Drop "drop" &Component::ALL, None,
        "the connection closes in the middle of the body (HTTP/2: the stream is reset)";
    TruncatedBody "truncated-body" &Component::ALL, None,
        "the body ends half way, with a content-length that says so: JSON does not parse, pages lack their end";
    WrongIssuer "wrong-issuer" &[Discovery, Token, Authorize], None,
        "discovery, tokens and redirects name another issuer";
    ExpiredToken "expired-token" &[Token], None,
        "tokens are an hour past their expiry when they are issued";
    FutureToken "future-token" &[Token], None,
        "tokens are issued in the future (iat and nbf 10 minutes ahead), as by a server whose clock is wrong";
    ExpiredKey "expired-key" &[Token], None,
        "tokens are signed with a retired key, whose kid the JWKS no longer lists";
    BadSignature "bad-signature" &[Token], None,
        "tokens carry the right kid and a signature that does not verify";
    WrongAudience "wrong-audience" &[Token], None,
        "tokens are for another audience";
    WrongNonce "wrong-nonce" &[Token], None,
        "ID tokens carry another nonce than the one the client sent";
    MissingJwksKey "missing-jwks-key" &[Jwks], None,
        "the JWKS lists no keys";
    LoginsFail "logins-fail" &[Login, Token], None,
        "the right password is refused, on the login page and in the password grant";
    LoginsFall "logins-fall" &[Login, Token], None,
        "logins succeed but are not counted: the metric auth.logins falls, nothing else changes";
    WrongState "wrong-state" &[Authorize, Login], None,
        "the redirect to the client carries another state than the one it sent";
    InsecureCookie "insecure-cookie" &[Login], None,
        "the session cookie lacks HttpOnly, Secure and SameSite";
    PkceIgnored "pkce-ignored" &[Token], None,
        "a code is redeemed with any code_verifier";
    NoRefresh "no-refresh" &[Token], None,
        "no refresh token is issued though offline_access was granted";
    RefreshRefused "refresh-refused" &[Token], None,
        "refresh tokens are refused with invalid_grant";
    RefreshNotRotated "refresh-not-rotated" &[Token], None,
        "a refresh hands the same refresh token back and keeps it valid";
    UserinfoMismatch "userinfo-mismatch" &[Userinfo], None,
        "userinfo answers with another subject than the token's";
    DiscoveryDrift "discovery-drift" &[Discovery], None,
        "discovery names another token endpoint, and neither S256 nor RS256";
    StaleCdn "stale-cdn" &[Cdn], None,
        "the CDN serves an older library than its manifest describes: the integrity hash does not match";
    MissingSecurityHeaders "missing-security-headers" &[Login, Dashboard, Docs, Cdn, Authorize, Logout], None,
        "answers lack HSTS, CSP, nosniff, frame options and referrer policy";
    ExpiredCertificate "expired-certificate" &[], Some(Parameter::Days),
        "new TLS connections get a certificate with --days left (-1: expired yesterday)";
}

impl FaultKind {
    pub fn parse(name: &str) -> Option<FaultKind> {
        FaultKind::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Faults of a whole node know neither component nor ratio.
    pub fn is_of_node(self) -> bool {
        self.components().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in FaultKind::ALL {
            assert_eq!(FaultKind::parse(kind.name()), Some(*kind));
            assert!(!kind.summary().is_empty());
        }
        assert_eq!(FaultKind::parse("sloth"), None);
    }
}

//! Scopes: what a user's application may ask for, and what a machine may.

/// What OpenID Connect applications may ask for. Others are ignored, as OpenID Connect Core section 3.1.2.1 advises.
pub(super) const USER_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];
/// What the API of the machine client knows.
pub(super) const API_SCOPES: [&str; 2] = ["read:health", "read:stats"];

/// The scopes of a user's request that are granted, in the order asked for, once each.
pub(super) fn granted_to_user(asked: Option<&str>) -> String {
    let mut granted: Vec<&str> = Vec::new();
    for scope in asked.unwrap_or("openid profile email").split_ascii_whitespace() {
        if USER_SCOPES.contains(&scope) && !granted.contains(&scope) {
            granted.push(scope);
        }
    }
    granted.join(" ")
}

/// The scopes of a machine's request, all by default; `Err` names one that it may not have.
pub(super) fn granted_to_machine(asked: Option<&str>) -> Result<String, String> {
    let Some(asked) = asked else { return Ok(API_SCOPES.join(" ")) };
    match asked.split_ascii_whitespace().find(|scope| !API_SCOPES.contains(scope)) {
        Some(unknown) => Err(unknown.to_owned()),
        None => Ok(asked.split_ascii_whitespace().collect::<Vec<_>>().join(" ")),
    }
}

/// A refresh may narrow what was granted, never widen it (RFC 6749 section 6); `Err` names what it would add.
pub(super) fn narrowed(granted: &str, asked: Option<&str>) -> Result<String, String> {
    let Some(asked) = asked else { return Ok(granted.to_owned()) };
    match asked.split_ascii_whitespace().find(|scope| !has(granted, scope)) {
        Some(wider) => Err(wider.to_owned()),
        None => Ok(asked.split_ascii_whitespace().collect::<Vec<_>>().join(" ")),
    }
}

pub(super) fn has(scope: &str, wanted: &str) -> bool {
    scope.split_ascii_whitespace().any(|scope| scope == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_granted_ignored_or_refused() {
        for (asked, granted) in [
            (None, "openid profile email"),
            (Some("openid  email openid"), "openid email"),
            (Some("openid admin"), "openid"),
            (Some("admin"), ""),
        ] {
            assert_eq!(granted_to_user(asked), granted);
        }
        assert_eq!(granted_to_machine(None), Ok("read:health read:stats".to_owned()));
        assert_eq!(granted_to_machine(Some("read:stats")), Ok("read:stats".to_owned()));
        assert_eq!(granted_to_machine(Some("read:stats openid")), Err("openid".to_owned()));
        assert_eq!(narrowed("openid email", Some("email")), Ok("email".to_owned()));
        assert_eq!(narrowed("openid email", Some("email profile")), Err("profile".to_owned()));
    }
}

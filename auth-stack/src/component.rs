//! The parts of the provider that requests are counted, logged and broken by.

use std::fmt;

/// One part of the provider. Every request belongs to exactly one, decided by its path alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Component {
    Discovery,
    Jwks,
    Authorize,
    Login,
    Token,
    Userinfo,
    Signup,
    Logout,
    Dashboard,
    Docs,
    Cdn,
    Health,
    Callback,
    /// A path that belongs to nothing; answered with 404.
    Other,
}

impl Component {
    pub const ALL: [Component; 14] = [
        Component::Discovery,
        Component::Jwks,
        Component::Authorize,
        Component::Login,
        Component::Token,
        Component::Userinfo,
        Component::Signup,
        Component::Logout,
        Component::Dashboard,
        Component::Docs,
        Component::Cdn,
        Component::Health,
        Component::Callback,
        Component::Other,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Component::Discovery => "discovery",
            Component::Jwks => "jwks",
            Component::Authorize => "authorize",
            Component::Login => "login",
            Component::Token => "token",
            Component::Userinfo => "userinfo",
            Component::Signup => "signup",
            Component::Logout => "logout",
            Component::Dashboard => "dashboard",
            Component::Docs => "docs",
            Component::Cdn => "cdn",
            Component::Health => "health",
            Component::Callback => "callback",
            Component::Other => "other",
        }
    }

    pub fn parse(name: &str) -> Option<Component> {
        Component::ALL.into_iter().find(|component| component.name() == name)
    }

    pub fn of_path(path: &str) -> Component {
        match path {
            "/.well-known/openid-configuration" => Component::Discovery,
            "/.well-known/jwks.json" => Component::Jwks,
            "/authorize" => Component::Authorize,
            "/login" | "/activate" => Component::Login,
            "/oauth/token" | "/oauth/device/code" => Component::Token,
            "/userinfo" => Component::Userinfo,
            "/dbconnections/signup" => Component::Signup,
            "/v2/logout" => Component::Logout,
            "/dashboard" => Component::Dashboard,
            "/" | "/docs" => Component::Docs,
            "/test" => Component::Health,
            "/callback" => Component::Callback,
            path if path.starts_with("/cdn/") => Component::Cdn,
            _ => Component::Other,
        }
    }

    /// Its place in [`Component::ALL`], for arrays of counters.
    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// Whether a browser is the usual client, so that errors are pages rather than JSON.
    pub(crate) fn is_page(self) -> bool {
        matches!(
            self,
            Component::Authorize
                | Component::Login
                | Component::Logout
                | Component::Dashboard
                | Component::Docs
                | Component::Callback
                | Component::Other
        )
    }
}

impl fmt::Display for Component {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_places_agree_with_the_list() {
        for (place, component) in Component::ALL.into_iter().enumerate() {
            assert_eq!(component.index(), place, "{component}");
            assert_eq!(Component::parse(component.name()), Some(component));
        }
        assert_eq!(Component::parse("nothing"), None);
    }

    #[test]
    fn a_path_has_one_component() {
        for (path, component) in [
            ("/.well-known/openid-configuration", Component::Discovery),
            ("/cdn/client/tocsin-spa.js", Component::Cdn),
            ("/cdn", Component::Other),
            ("/oauth/token", Component::Token),
            ("/oauth/token/", Component::Other),
            ("/", Component::Docs),
        ] {
            assert_eq!(Component::of_path(path), component, "{path}");
        }
    }
}

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

/// Of the code's 64 hexadecimal digits: 160 bits.
const TOKEN_CHARS: usize = 40;

/// The secret part of each heartbeat's URL: made of one secret and the name, so that nothing has to be stored, and that a
/// URL that became known is no help with another (HMAC, RFC 2104).
pub struct Tokens(hmac::Key);

impl Tokens {
    pub fn new(secret: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    pub fn of(&self, name: &str) -> String {
        // The first part keeps these codes apart from any other use of the same secret.
        let code = hmac::sign(&self.0, format!("tocsin heartbeat 1\n{name}").as_bytes());
        let mut token = hex::encode(code);
        token.truncate(TOKEN_CHARS);
        token
    }

    /// The time that this takes says nothing about where they differ.
    pub fn is_of(&self, token: &str, name: &str) -> bool {
        verify_slices_are_equal(token.as_bytes(), self.of(name).as_bytes()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_one_heartbeat_and_stays_the_same() {
        let tokens = Tokens::new("a secret of some length");
        let token = tokens.of("backup");
        assert_eq!(token.len(), TOKEN_CHARS);
        // URLs are written into crontabs: a version that made others would silence all of them.
        assert_eq!(token, GOLDEN);
        let short = &token[..TOKEN_CHARS - 1];
        let cases = [
            (token.as_str(), "backup", true),
            (&token, "report", false),
            (&token.to_uppercase(), "backup", false),
            (short, "backup", false),
            ("", "backup", false),
        ];
        for (token, name, expected) in cases {
            assert_eq!(tokens.is_of(token, name), expected, "{token} {name}");
        }
        assert!(!Tokens::new("another secret of some length").is_of(&token, "backup"));
    }

    const GOLDEN: &str = "a4cba484c78095e415f3ec9d7e8f25355e6a158d";
}

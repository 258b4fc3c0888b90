use super::Secret;
use super::reader::Section;
use super::secret;

/// Who may read the pages, by HTTP basic authentication. Needed as soon as `listen` is no loopback address. The pages
/// speak plain HTTP: across a network that is not trusted, put a proxy with TLS in front of them.
///
/// ```toml
/// [authentication]
/// user = "oncall"
/// password = { env = "TOCSIN_PAGE_PASSWORD" }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authentication {
    pub user: String,
    pub password: Secret,
}

/// The shortest password that is accepted: it guards a page that faces a network.
const PASSWORD_BYTES_MIN: usize = 12;

pub(super) fn read(section: Option<Section<'_>>) -> Option<Authentication> {
    let mut section = section?;
    let reading = section.reading;
    let at = section.at.clone();
    let user = section.required_string("user", "\"oncall\"");
    let written = section.has("password");
    let password = secret::required(&mut section, "password", "TOCSIN_PAGE_PASSWORD");
    section.finish();
    if !written {
        reading.report(&at, "no password; write `password = { env = \"TOCSIN_PAGE_PASSWORD\" }`");
    }
    if let Some(user) = user.as_ref().filter(|user| user.value.contains(':')) {
        reading.report(&user.at, "a user name for HTTP basic authentication holds no `:`");
    }
    let password = password?;
    if password.expose().len() < PASSWORD_BYTES_MIN {
        reading.report(&at, format_args!("the password is shorter than {PASSWORD_BYTES_MIN} bytes; take a longer one"));
    }
    Some(Authentication { user: user?.value, password })
}

use super::reader::Section;
use std::path::PathBuf;

/// What check scripts may reach, and whom they trust.
///
/// ```toml
/// [network]
/// allow_private = true          # 10/8, 172.16/12, 192.168/16, fc00::/7, loopback; link-local never
/// ca_files = ["company-ca.pem"] # beside the public certificate authorities
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Network {
    /// Off by default: a check that follows a redirect into the private network has been turned against it.
    pub allow_private: bool,
    /// The files, and what each of them holds: PEM.
    pub ca_files: Vec<PathBuf>,
    pub ca_pem: Vec<String>,
}

pub(super) fn read(section: Option<Section<'_>>) -> Network {
    let Some(mut section) = section else { return Network::default() };
    let allow_private = section.boolean("allow_private").unwrap_or(false);
    let (mut ca_files, mut ca_pem) = (Vec::new(), Vec::new());
    for file in section.strings("ca_files") {
        let reading = section.reading;
        let path = reading.path(&file.value);
        match std::fs::read_to_string(&path) {
            Ok(pem) if pem.contains("-----BEGIN CERTIFICATE-----") => {
                ca_files.push(path);
                ca_pem.push(pem);
            }
            Ok(_) => reading.report(
                &file.at,
                format_args!("{} holds no certificate; it must be PEM, with `-----BEGIN CERTIFICATE-----`", file.value),
            ),
            Err(error) => reading.report(&file.at, format_args!("{} cannot be read: {error}", file.value)),
        }
    }
    section.finish();
    Network { allow_private, ca_files, ca_pem }
}

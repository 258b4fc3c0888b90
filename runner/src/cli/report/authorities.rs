use crate::config::Network;
use checks::Tls;
use probes::transport::authority_names;
use std::path::{Path, PathBuf};

/// The files of `[network] ca_files`, each with the names of the authorities in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorities {
    files: Vec<(PathBuf, Vec<String>)>,
}

impl Authorities {
    #[cfg(test)]
    pub const fn nobody() -> Self {
        Self { files: Vec::new() }
    }

    pub fn of(network: &Network) -> Self {
        let files = network.ca_files.iter().zip(&network.ca_pem);
        Self { files: files.map(|(file, pem)| (file.clone(), authority_names(pem))).collect() }
    }

    /// The file with the authority that this chain leads to; `None` where that is a public one.
    pub fn behind(&self, tls: &Tls) -> Option<&Path> {
        let leads_to =
            |name: &String| tls.certificates.iter().any(|shown| shown.issuer == *name || shown.subject == *name);
        self.files.iter().find(|(_, names)| names.iter().any(leads_to)).map(|(file, _)| file.as_path())
    }
}

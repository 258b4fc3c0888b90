use sha2::{Digest, Sha256};
use std::sync::LazyLock;

pub(crate) const FAVICON: &str = include_str!("favicon.svg");

/// A file that pages refer to, under a path that changes with its content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asset {
    pub body: &'static str,
    hash: &'static str,
}

impl Asset {
    pub(crate) fn stylesheet() -> Self {
        static HASH: LazyLock<String> = LazyLock::new(|| hex::encode(&Sha256::digest(STYLE)[..8]));
        const STYLE: &str = include_str!("style.css");
        Self { body: STYLE, hash: &HASH }
    }

    pub(crate) fn path(&self) -> String {
        format!("/style-{}.css", self.hash)
    }
}

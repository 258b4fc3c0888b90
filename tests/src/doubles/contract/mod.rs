//! The providers' published descriptions, and whether a request agrees with them.
//!
//! The documents are not part of this repository. They are looked for in `TOCSIN_SPECS` and in `../shared/specs`
//! beside the repository. Where one is missing, the double still asserts everything that it knows by itself, and
//! says once that this comparison is skipped.

mod openapi3;
mod swagger2;

pub use openapi3::OpenApi3;
pub use swagger2::Swagger2;

use serde_json::Value;
use std::path::{Path, PathBuf};

/// One argument of a call: text where it came in a form or a query, typed where it came in JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    pub name: String,
    pub value: Value,
    /// Whether the encoding keeps types apart.
    pub typed: bool,
}

impl Given {
    pub fn from_pairs(pairs: &[(String, String)]) -> Vec<Self> {
        let given = |(name, value): &(String, String)| Self {
            name: name.clone(),
            value: Value::String(value.clone()),
            typed: false,
        };
        pairs.iter().map(given).collect()
    }
}

/// The description in `file`, or `None` where it is not at hand, which is then said on the standard error.
///
/// # Panics
/// Where the document is there and is not JSON.
pub fn document(file: &str) -> Option<Value> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = std::env::var_os("TOCSIN_SPECS").map_or_else(|| repository.join("../shared/specs"), PathBuf::from);
    match std::fs::read(folder.join(file)) {
        Ok(text) => Some(serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{file}: {error}"))),
        Err(_) => {
            let where_not = "it is neither in $TOCSIN_SPECS nor in ../shared/specs";
            crate::say_skipped(&format!("comparing requests with {file} ({where_not})"));
            None
        }
    }
}

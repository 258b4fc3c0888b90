//! The text of every script that the engine starts with, inside the binary; `build.rs` writes the table.

use deno_core::{Extension, ExtensionFileSource};
use std::sync::Arc;

mod table {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

/// The `tocsin` module's files, `(specifier, text)`.
pub(super) fn library() -> Vec<ExtensionFileSource> {
    table::LIBRARY.iter().map(|(specifier, text)| source(specifier, text)).collect()
}

pub(super) fn source(specifier: &'static str, text: &str) -> ExtensionFileSource {
    ExtensionFileSource::new_computed(specifier, Arc::from(text))
}

/// Replaces what an extension would read from the package registry's folder by the embedded text. Gives back the
/// specifiers for which there is none: with any of them, the engine would depend on the machine that built it.
pub(super) fn embed(extension: &mut Extension) -> Vec<&'static str> {
    let mut missing = Vec::new();
    for files in [
        &mut extension.js_files,
        &mut extension.esm_files,
        &mut extension.lazy_loaded_js_files,
        &mut extension.lazy_loaded_esm_files,
    ] {
        for file in files.to_mut() {
            if file.is_runtime_loadable() {
                continue;
            }
            match table::EXTENSIONS.iter().find(|(specifier, _)| *specifier == file.specifier) {
                Some((specifier, text)) => *file = source(specifier, text),
                None => missing.push(file.specifier),
            }
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_source_is_read_from_the_building_machine() {
        for mut extension in super::super::extensions() {
            let name = extension.name;
            assert_eq!(super::embed(&mut extension), Vec::<&str>::new(), "{name}");
            for files in [
                &extension.js_files,
                &extension.esm_files,
                &extension.lazy_loaded_js_files,
                &extension.lazy_loaded_esm_files,
            ] {
                for file in files.iter() {
                    assert!(file.is_runtime_loadable(), "{}", file.specifier);
                    let text = file.load().unwrap_or_else(|error| panic!("{}: {error}", file.specifier));
                    assert!(!text.as_bytes().is_empty(), "{}", file.specifier);
                }
            }
        }
    }
}

//! From a check's file to what a run needs: one bundle with the script, the project's own modules that it imports,
//! JavaScript all of it, with source maps.
//!
//! Bundling happens once for each version of a script, outside the process that runs it. It reads nothing but files
//! below the project's root, and it refuses whatever a run could not have: imports from the network or of packages,
//! files outside the root, text that does not parse. Each refusal is a [`ScriptError`] that names the author's own
//! line and says what to write.

mod bundle;
mod definition;
mod error;
mod function;
mod imports;
mod library;
mod prompt;
mod transpile;

pub(crate) use bundle::{Module, ModuleKind};
pub use bundle::{ScriptBundle, bundle};
pub use error::ScriptError;
pub(crate) use function::PARAMETER;
pub(crate) use library::{LIBRARY, LibraryModule};
pub use prompt::{LineError, prompt_line};

use super::ScriptError;
use super::definition::Places;
use super::function::{PARAMETER, function_body};
use super::imports::{Target, normalise, resolve};
use super::transpile::{Transpiled, transpile};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

/// A file larger than this is no check script.
const FILE_BYTES_MAX: u64 = 2 << 20;

const MODULES_MAX: usize = 200;

/// What a path may not hold inside the URL of a module.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'\\');

/// A check's script with the project's own modules that it imports, ready to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptBundle {
    /// Relative to the project's root, as shown to people.
    pub path: String,
    /// Hex SHA-256 over the paths and the texts of all modules, as their authors wrote them.
    pub hash: String,
    /// The script first.
    pub(crate) modules: Vec<Module>,
    /// The script as its author wrote it, and where in it the default export and the fields of the definition are.
    source: String,
    default_export: Option<usize>,
    fields: BTreeMap<String, usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Module {
    /// The module's URL inside the sandbox.
    pub specifier: String,
    pub path: String,
    pub kind: ModuleKind,
    pub code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_map: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ModuleKind {
    Script,
    /// A script alone, as the body of a function.
    Function,
    Json,
}

impl ScriptBundle {
    /// Of a run that has a prompt in place of a script.
    pub fn prompt() -> Self {
        let specifier = specifier("prompt");
        let code = format!(
            "const {{ defineCheck }} = {PARAMETER}.tocsin;\n{PARAMETER}.default = defineCheck({{ schedule: \"every 30s\", run() {{}} }});"
        );
        let module = Module {
            specifier,
            path: "prompt".to_owned(),
            kind: ModuleKind::Function,
            code: code.clone(),
            source_map: None,
        };
        Self {
            path: "prompt".to_owned(),
            hash: "prompt".to_owned(),
            modules: vec![module],
            source: code,
            default_export: None,
            fields: BTreeMap::new(),
        }
    }

    /// An error about a field of the definition, at the field where it is written out in the script.
    pub(crate) fn error_at_field(&self, field: &str, message: String) -> ScriptError {
        let error = ScriptError::new(&self.path, message);
        match self.fields.get(field).or(self.default_export.as_ref()) {
            Some(offset) => error.at_offset(&self.source, *offset),
            None => error,
        }
    }

    /// An error about the whole script, at its default export where there is one.
    pub(crate) fn error_at_export(&self, message: String) -> ScriptError {
        self.error_at_field("", message)
    }

    /// An error at a line of the script or of a module.
    pub(crate) fn error_at(&self, location: &checks::Location, message: String) -> ScriptError {
        let error = ScriptError::new(&location.file, message);
        if location.file == self.path {
            return error.at(&self.source, location.line as usize, location.column as usize);
        }
        ScriptError { location: Some((location.line, location.column)), ..error }
    }

    /// The script and the project's own modules that it imports, relative to the project's root.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.modules.iter().map(|module| module.path.as_str())
    }

    /// How much of a process's memory the bundle takes, roughly.
    pub fn size_bytes(&self) -> usize {
        self.modules.iter().map(|module| module.code.len() + module.source_map.as_ref().map_or(0, String::len)).sum()
    }
}

/// Reads `file` and what it imports; both lie below `root`.
///
/// Blocking: it reads files. A file of a few hundred lines takes about a millisecond.
pub fn bundle(root: &Path, file: &Path) -> Result<ScriptBundle, ScriptError> {
    let shown = file.display().to_string();
    let root = root.canonicalize().map_err(|error| ScriptError::new(&root.display().to_string(), error.to_string()))?;
    let absolute = if file.is_absolute() { file.to_owned() } else { root.join(file) };
    // The folder is resolved, the file's own name is not: it is the name its author gave it.
    let folder = absolute.parent().and_then(|folder| folder.canonicalize().ok());
    let path = folder
        .zip(absolute.file_name())
        .and_then(|(folder, name)| normalise(folder.join(name).strip_prefix(&root).ok()?))
        .ok_or_else(|| {
            ScriptError::new(&shown, "there is no such file in the project")
                .with_help(format!("a check lies below {}", root.display()))
        })?;

    let mut modules = Vec::new();
    let mut places = None;
    let mut originals = BTreeMap::new();
    let mut waiting = VecDeque::from([path.clone()]);
    while let Some(path) = waiting.pop_front() {
        if originals.contains_key(&path) {
            continue;
        }
        if originals.len() == MODULES_MAX {
            return Err(ScriptError::new(&path, format!("a check imports at most {MODULES_MAX} modules")));
        }
        let source = read(&root, &path)?;
        let module = if path.ends_with(".json") {
            json_module(&path, &source)?
        } else {
            let (module, imports, found) = script_module(&root, &path, &source)?;
            waiting.extend(imports);
            places.get_or_insert(found);
            module
        };
        modules.push(module);
        originals.insert(path, source);
    }

    if let [module] = &mut modules[..]
        && let Some(body) = function_body(&module.code)
    {
        (module.kind, module.code) = (ModuleKind::Function, body);
    }

    let mut hash = Sha256::new();
    for (path, source) in &originals {
        for part in [path, source] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    let source = originals.remove(&path).unwrap_or_default();
    let Places { default_export, fields } = places.unwrap_or_default();
    Ok(ScriptBundle { path, hash: hex::encode(hash.finalize()), modules, source, default_export, fields })
}

fn script_module(root: &Path, path: &str, source: &str) -> Result<(Module, Vec<String>, Places), ScriptError> {
    let specifier = specifier(path);
    let is_typescript = path.ends_with(".ts") || path.ends_with(".mts");
    let transpiled = transpile(path, &specifier, source, is_typescript)?;
    let mut files = Vec::new();
    for import in &transpiled.imports {
        if let Target::File(file) = resolve(root, path, source, import)? {
            files.push(file);
        }
    }
    let Transpiled { code, source_map, places, .. } = transpiled;
    Ok((Module { specifier, path: path.to_owned(), kind: ModuleKind::Script, code, source_map }, files, places))
}

fn json_module(path: &str, source: &str) -> Result<Module, ScriptError> {
    serde_json::from_str::<serde::de::IgnoredAny>(source).map_err(|error| {
        ScriptError::new(path, format!("is not JSON: {error}")).at(source, error.line(), error.column())
    })?;
    Ok(Module {
        specifier: specifier(path),
        path: path.to_owned(),
        kind: ModuleKind::Json,
        code: source.to_owned(),
        source_map: None,
    })
}

fn specifier(path: &str) -> String {
    format!("check:///{}", utf8_percent_encode(path, PATH))
}

fn read(root: &Path, path: &str) -> Result<String, ScriptError> {
    let file = root.join(path);
    let outside = || {
        ScriptError::new(path, "is a link to a file outside the project")
            .with_help("copy the file into the project: a bundle holds only what lies below its root")
    };
    let real = file.canonicalize().map_err(|error| ScriptError::new(path, format!("cannot be read: {error}")))?;
    if !real.starts_with(root) {
        return Err(outside());
    }
    let bytes = std::fs::metadata(&real).map_err(|error| ScriptError::new(path, format!("cannot be read: {error}")))?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(ScriptError::new(
            path,
            format!("has {} bytes; a module has at most {FILE_BYTES_MAX}", bytes.len()),
        ));
    }
    let bytes = std::fs::read(&real).map_err(|error| ScriptError::new(path, format!("cannot be read: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        ScriptError::new(path, "is not UTF-8")
            .with_help(format!("byte {} starts no character", error.utf8_error().valid_up_to() + 1))
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

//! What the library declares is what the specifications are about: every export of the `.d.ts` files, and every member of
//! what they export, stands in one, and every class of failure comes of one. What is added without is found here.

use crate::{Test, specs_folder};
use checks::FailureClass;
use oxc_allocator::Allocator;
use oxc_ast::AstKind;
use oxc_parser::Parser;
use oxc_semantic::SemanticBuilder;
use oxc_span::{GetSpan as _, SourceType};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const DECLARATIONS: [&str; 4] = ["tocsin.d.ts", "tocsin-auth.d.ts", "tocsin-http.d.ts", "tocsin-net.d.ts"];

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Declared {
    module: String,
    /// What it is a member of; absent for an export.
    owner: Option<String>,
    name: String,
    is_called: bool,
}

impl Declared {
    fn shown(&self) -> String {
        match &self.owner {
            Some(owner) => format!("{owner}.{}", self.name),
            None => self.name.clone(),
        }
    }

    /// Whether `text`, scripts that import the module, has it: a call of what is called, the word of everything else.
    fn is_in(&self, text: &str) -> bool {
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        text.match_indices(&self.name).any(|(at, name)| {
            let (before, after) = (&text[..at], &text[at + name.len()..]);
            let alone = !before.ends_with(is_word) && !after.starts_with(is_word);
            // An option that is a function is given by its name, and a matcher may be a stand-in too.
            let called = after.starts_with(['(', ':', '<']) || after.starts_with(" (") || after.starts_with('`');
            alone && (!self.is_called || self.owner.is_none() || called)
        })
    }
}

pub fn tests() -> Vec<Test> {
    vec![
        ("declared/every_export_and_member_is_in_a_specification".to_owned(), Box::pin(async { members() })),
        ("declared/every_failure_class_comes_of_a_specification".to_owned(), Box::pin(async { classes() })),
    ]
}

fn members() -> Result<(), String> {
    let scripts = scripts();
    let mut forgotten = Vec::new();
    for declared in DECLARATIONS.iter().flat_map(|file| declared(file)).collect::<BTreeSet<_>>() {
        let import = format!("from \"{}\"", declared.module);
        let mut about = scripts.iter().filter(|script| script.contains(&import));
        if !about.any(|script| declared.is_in(script)) {
            forgotten.push(format!("  {} of {}", declared.shown(), declared.module));
        }
    }
    if forgotten.is_empty() {
        return Ok(());
    }
    Err(format!("write a specification below tests/specs for what is declared:\n{}", forgotten.join("\n")))
}

/// The scripts below `specs`, without the lines that are comments.
fn scripts() -> Vec<String> {
    let mut found = Vec::new();
    collect(&specs_folder(), &mut found);
    let code = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).expect("a specification can be read");
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        lines.collect::<Vec<_>>().join("\n")
    };
    found.iter().filter(|path| path.extension().is_some_and(|kind| kind == "js" || kind == "ts")).map(code).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder of specifications can be read") {
        let path = entry.expect("its entries can be read").path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

/// What `file` declares in its modules.
fn declared(file: &str) -> Vec<Declared> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../checks/scripts").join(file);
    let source = std::fs::read_to_string(&path).expect("the declarations can be read");
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, &source, SourceType::d_ts()).parse();
    assert!(parsed.diagnostics.is_empty(), "{file}: {:?}", parsed.diagnostics);
    let analysed = SemanticBuilder::new().with_build_nodes(true).build(&parsed.program);
    let nodes = analysed.semantic.nodes();
    let written = |span: oxc_span::Span| source[span.start as usize..span.end as usize].trim_matches('"').to_owned();
    let mut found = Vec::new();
    for node in nodes.iter() {
        // What is only a type cannot be given, called or read; its members can.
        let (name, is_called, is_export) = match node.kind() {
            AstKind::Function(function) => match &function.id {
                Some(id) => (id.name.to_string(), true, true),
                None => continue,
            },
            AstKind::Class(class) => match &class.id {
                Some(id) => (id.name.to_string(), false, true),
                None => continue,
            },
            AstKind::VariableDeclarator(variable) => (variable_name(&written(variable.id.span())), false, true),
            AstKind::TSPropertySignature(property) => (written(property.key.span()), false, false),
            AstKind::TSMethodSignature(method) => (written(method.key.span()), true, false),
            AstKind::PropertyDefinition(property) => (written(property.key.span()), false, false),
            AstKind::MethodDefinition(method) => (written(method.key.span()), true, false),
            _ => continue,
        };
        let named = |kind: AstKind<'_>| match kind {
            AstKind::TSInterfaceDeclaration(interface) => Some(interface.id.name.to_string()),
            AstKind::TSTypeAliasDeclaration(alias) => Some(alias.id.name.to_string()),
            AstKind::Class(class) => class.id.as_ref().map(|id| id.name.to_string()),
            AstKind::Function(function) => function.id.as_ref().map(|id| id.name.to_string()),
            AstKind::VariableDeclarator(variable) => Some(variable_name(&written(variable.id.span()))),
            _ => None,
        };
        let module = nodes.ancestor_kinds(node.id()).find_map(|kind| match kind {
            AstKind::TSExternalModuleDeclaration(module) => Some(module.id.value.to_string()),
            _ => None,
        });
        let Some(module) = module else { continue };
        let owner = nodes.ancestor_kinds(node.id()).find_map(named).filter(|_| !is_export);
        if name != "constructor" && (is_export || owner.is_some()) {
            found.push(Declared { module, owner, name, is_called });
        }
    }
    assert!(found.len() > 10, "{file} declares next to nothing: {found:?}");
    found
}

/// Without the type that may stand behind it.
fn variable_name(written: &str) -> String {
    written.split(':').next().unwrap_or_default().trim().to_owned()
}

/// Each class that an alert can have is that of a run in a specification.
fn classes() -> Result<(), String> {
    let mut files = Vec::new();
    collect(&specs_folder(), &mut files);
    let expectations = files.iter().filter(|path| path.extension().is_some_and(|kind| kind == "json"));
    let texts: Vec<String> = expectations.map(|path| std::fs::read_to_string(path).expect("it can be read")).collect();
    let is_missing =
        |class: &&FailureClass| !texts.iter().any(|text| text.contains(&format!("\"class\": \"{class}\"")));
    let missing: Vec<&FailureClass> = FailureClass::ALL.iter().filter(is_missing).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("no specification fails with {missing:?}")) }
}

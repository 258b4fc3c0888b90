use super::ScriptError;
use super::definition::{Places, places};
use oxc_allocator::Allocator;
use oxc_ast::ast::{ImportAttributeKey, Program, Statement};
use oxc_codegen::{Codegen, CodegenOptions};
use oxc_diagnostics::OxcDiagnostic;
use oxc_parser::Parser;
use oxc_semantic::SemanticBuilder;
use oxc_span::{SourceType, Span};
use oxc_transformer::{TransformOptions, Transformer};
use std::path::{Path, PathBuf};

/// A module ready to run, and what it imports.
pub(super) struct Transpiled {
    pub code: String,
    /// Source map as JSON; absent where the code is the author's own text.
    pub source_map: Option<String>,
    pub imports: Vec<Import>,
    pub places: Places,
}

/// An import as written, with the byte offset of its specifier.
pub(super) struct Import {
    pub specifier: String,
    pub offset: usize,
    /// `with { type: "json" }`.
    pub is_json: bool,
}

/// Parses `source`, and takes its types away where it is TypeScript. `specifier` is the name that stack traces will
/// have for it.
pub(super) fn transpile(
    path: &str,
    specifier: &str,
    source: &str,
    is_typescript: bool,
) -> Result<Transpiled, ScriptError> {
    let allocator = Allocator::default();
    let source_type = if is_typescript { SourceType::ts() } else { SourceType::mjs() };
    let parsed = Parser::new(&allocator, source, source_type).parse();
    refuse(path, source, &parsed.diagnostics)?;
    let mut program = parsed.program;
    let analysed = SemanticBuilder::new().with_enum_eval(true).with_check_syntax_error(true).build(&program);
    refuse(path, source, &analysed.diagnostics)?;
    let dynamic = parsed.module_record.dynamic_imports.iter().map(|import| (import.span, import.module_request));
    let places = places(&program);
    let mut imports = dynamic_imports(source, dynamic);

    if !is_typescript {
        imports.extend(static_imports(&program));
        return Ok(Transpiled { code: source.to_owned(), source_map: None, imports, places });
    }
    let scoping = analysed.semantic.into_scoping();
    let transformed = Transformer::new(&allocator, Path::new(path), &TransformOptions::default())
        .build_with_scoping(scoping, &mut program);
    refuse(path, source, &transformed.diagnostics)?;
    // After the transformation: an import of types alone is gone by now, and nothing of it is needed in a run.
    imports.extend(static_imports(&program));
    let options = CodegenOptions { source_map_path: Some(PathBuf::from(specifier)), ..CodegenOptions::default() };
    let generated = Codegen::new().with_options(options).build(&program);
    Ok(Transpiled { code: generated.code, source_map: generated.map.map(|map| map.to_json_string()), imports, places })
}

fn refuse(path: &str, source: &str, diagnostics: &[OxcDiagnostic]) -> Result<(), ScriptError> {
    let Some(first) = diagnostics.first() else { return Ok(()) };
    let mut error = ScriptError::new(path, first.message.as_ref());
    if let Some(label) = first.labels.first() {
        error = error.at_offset(source, label.offset() as usize);
        if let Some(hint) = label.label().filter(|_| first.help.is_none()) {
            error = error.with_help(hint);
        }
    }
    if let Some(help) = &first.help {
        error = error.with_help(help.as_ref());
    }
    Err(error)
}

fn static_imports(program: &Program<'_>) -> Vec<Import> {
    let mut imports = Vec::new();
    for statement in &program.body {
        let (source, attributes) = match statement {
            Statement::ImportDeclaration(import) => (&import.source, import.with_clause.as_ref()),
            Statement::ExportAllDeclaration(export) => (&export.source, export.with_clause.as_ref()),
            Statement::ExportFromDeclaration(export) => (&export.source, export.with_clause.as_ref()),
            _ => continue,
        };
        let is_json = attributes.is_some_and(|clause| {
            clause.with_entries.iter().any(|entry| {
                let key = match &entry.key {
                    ImportAttributeKey::Identifier(name) => name.name.as_str(),
                    ImportAttributeKey::StringLiteral(name) => name.value.as_str(),
                };
                key == "type" && entry.value.value == "json"
            })
        });
        imports.push(Import { specifier: source.value.to_string(), offset: source.span.start as usize, is_json });
    }
    imports
}

/// The `import("./literal.js")` of a module, given the spans of the call and of its specifier. An import of a computed
/// name is refused when it runs: only what the bundle holds can be imported.
fn dynamic_imports(source: &str, spans: impl Iterator<Item = (Span, Span)>) -> Vec<Import> {
    spans
        .filter_map(|(call, specifier)| {
            let text = source.get(specifier.start as usize..specifier.end as usize)?;
            let quote = text.chars().next().filter(|quote| ['"', '\'', '`'].contains(quote))?;
            let literal = text.strip_prefix(quote)?.strip_suffix(quote)?;
            let options = source.get(specifier.end as usize..call.end as usize)?;
            (!literal.contains([quote, '\\', '$'])).then(|| Import {
                specifier: literal.to_owned(),
                offset: specifier.start as usize,
                is_json: options.contains("json"),
            })
        })
        .collect()
}

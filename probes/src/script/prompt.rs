//! Lines of a prompt: TypeScript that may await, import the library and declare things that later lines have.
//!
//! A line becomes the body of a function that is given the library's modules. What it declares at its top becomes a
//! property of the global object, since a function's own names end with it; the value of its last expression is what it
//! returns.

use super::function::PARAMETER;
use super::library::{LIBRARY, names};
use oxc_allocator::Allocator;
use oxc_ast::ast::{
    Declaration, ImportDeclaration, ImportDeclarationSpecifier, Program, Statement, VariableDeclaration,
};
use oxc_codegen::Codegen;
use oxc_diagnostics::OxcDiagnostic;
use oxc_parser::Parser;
use oxc_semantic::SemanticBuilder;
use oxc_span::{GetSpan as _, SourceType, Span};
use oxc_transformer::{TransformOptions, Transformer};
use std::path::Path;

/// A longer line is no line.
const LINE_BYTES_MAX: usize = 64 << 10;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// More has to come: a bracket or a template is open.
    #[error("the line is not complete")]
    Incomplete,
    #[error("{0}")]
    Wrong(String),
}

/// What the sandbox's prompt evaluates for `text`.
pub fn prompt_line(text: &str) -> Result<String, LineError> {
    if text.len() > LINE_BYTES_MAX {
        return Err(LineError::Wrong(format!("a line has at most {LINE_BYTES_MAX} bytes")));
    }
    // `{ a: 1 }` at a prompt is an object, and not a block with a label.
    let trimmed = text.trim();
    if trimmed.starts_with('{')
        && trimmed.ends_with('}')
        && let Ok(code) = body(&format!("({trimmed})"))
    {
        return Ok(code);
    }
    body(text)
}

fn body(text: &str) -> Result<String, LineError> {
    let code = without_types(text)?;
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, &code, SourceType::mjs()).parse();
    refuse(&code, &parsed.diagnostics)?;
    let statements = statements(&code, &parsed.program)?;
    Ok(format!("return (async () => {{\n{statements}\n}})();"))
}

fn without_types(text: &str) -> Result<String, LineError> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, SourceType::ts()).parse();
    refuse(text, &parsed.diagnostics)?;
    let mut program = parsed.program;
    let analysed = SemanticBuilder::new().with_enum_eval(true).build(&program);
    let scoping = analysed.semantic.into_scoping();
    let mut options = TransformOptions::default();
    // What a line imports, a later one uses.
    options.typescript.only_remove_type_imports = true;
    let transformed =
        Transformer::new(&allocator, Path::new("line.ts"), &options).build_with_scoping(scoping, &mut program);
    refuse(text, &transformed.diagnostics)?;
    Ok(Codegen::new().build(&program).code)
}

fn refuse(text: &str, diagnostics: &[OxcDiagnostic]) -> Result<(), LineError> {
    let Some(first) = diagnostics.first() else { return Ok(()) };
    let is_open = ["EOF", "Unterminated template", "Unterminated multi-line comment", "Unterminated multiline"];
    // The parser calls a template a string, too; only a template may go on in another line.
    let in_template = first.message.contains("Unterminated string")
        && first.labels.first().is_some_and(|label| text.as_bytes().get(label.offset() as usize) == Some(&b'`'));
    if in_template || is_open.iter().any(|part| first.message.contains(part)) {
        return Err(LineError::Incomplete);
    }
    let help = first.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    Err(LineError::Wrong(format!("{}{help}", first.message)))
}

fn statements(code: &str, program: &Program<'_>) -> Result<String, LineError> {
    let text = |span: Span| code.get(span.start as usize..span.end as usize).unwrap_or_default();
    let mut out = Vec::new();
    // A text alone is a directive to the parser.
    out.extend(program.directives.iter().map(|directive| text(directive.span).to_owned()));
    let last = program.body.len().saturating_sub(1);
    if let ([], Some(directive)) = (program.body.as_slice(), program.directives.last()) {
        return Ok(format!("return ({});", text(directive.expression.span)));
    }
    for (index, statement) in program.body.iter().enumerate() {
        out.push(match statement {
            Statement::ImportDeclaration(import) => imported(import)?,
            Statement::VariableDeclaration(variables) => assigned(code, variables),
            Statement::FunctionDeclaration(function) => {
                let name = function.id.as_ref().map(|id| id.name.as_str()).unwrap_or_default();
                format!("{name} = {};", text(function.span))
            }
            Statement::ClassDeclaration(class) => {
                let name = class.id.as_ref().map(|id| id.name.as_str()).unwrap_or_default();
                format!("{name} = {};", text(class.span))
            }
            Statement::ExpressionStatement(expression) if index == last => {
                format!("return ({}\n);", text(expression.expression.span()))
            }
            Statement::ExportNamedDeclaration(export) if export.specifiers.is_empty() => String::new(),
            Statement::ExportDeclaration(export) => match &export.declaration {
                Declaration::VariableDeclaration(variables) => assigned(code, variables),
                _ => return Err(LineError::Wrong("nothing is exported from a prompt".to_owned())),
            },
            Statement::ExportNamedDeclaration(_)
            | Statement::ExportAllDeclaration(_)
            | Statement::ExportFromDeclaration(_)
            | Statement::ExportDefaultDeclaration(_) => {
                return Err(LineError::Wrong("nothing is exported from a prompt".to_owned()));
            }
            other => text(other.span()).to_owned(),
        });
    }
    Ok(out.join("\n"))
}

/// `(a = 1); ({ b } = c);`
fn assigned(code: &str, variables: &VariableDeclaration<'_>) -> String {
    let text = |span: Span| code.get(span.start as usize..span.end as usize).unwrap_or_default();
    let one = |variable: &oxc_ast::ast::VariableDeclarator<'_>| {
        let value = variable.init.as_ref().map_or("undefined", |init| text(init.span()));
        format!("({} = {value}\n);", text(variable.id.span()))
    };
    variables.declarations.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn imported(import: &ImportDeclaration<'_>) -> Result<String, LineError> {
    let specifier = import.source.value.as_str();
    if !LIBRARY.iter().any(|module| module.name == specifier) {
        return Err(LineError::Wrong(format!("`{specifier}` cannot be imported at a prompt: there are {}", names())));
    }
    let module = format!("{PARAMETER}[{specifier:?}]");
    let one = |specifier: &ImportDeclarationSpecifier<'_>| match specifier {
        ImportDeclarationSpecifier::ImportSpecifier(one) => {
            format!("({} = {module}[{:?}]);", one.local.name, one.imported.name().as_str())
        }
        ImportDeclarationSpecifier::ImportDefaultSpecifier(one) => {
            format!("({} = {module}.default);", one.local.name)
        }
        ImportDeclarationSpecifier::ImportNamespaceSpecifier(one) => format!("({} = {module});", one.local.name),
    };
    Ok(import.specifiers.iter().flatten().map(one).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_leaves_its_names_and_its_value() {
        let cases = [
            ("1 + 1", "return (1 + 1\n);"),
            ("{ a: 1 }", "return (({ a: 1 })\n);"),
            ("\"text\"", "return (\"text\");"),
            ("const a: number = 1, { b } = c", "(a = 1\n); ({ b } = c\n);"),
            ("let x", "(x = undefined\n);"),
            (
                "import { expect, step as s } from 'tocsin'",
                "(expect = $_t[\"tocsin\"][\"expect\"]); (s = $_t[\"tocsin\"][\"step\"]);",
            ),
            ("import * as net from 'tocsin/net'", "(net = $_t[\"tocsin/net\"]);"),
            ("await fetch('/'); f()", "await fetch(\"/\");\nreturn (f()\n);"),
            ("if (a) b()", "if (a) b();"),
        ];
        for (text, expected) in cases {
            let code = prompt_line(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(code, format!("return (async () => {{\n{expected}\n}})();"), "{text}");
        }
    }

    #[test]
    fn what_is_no_line_says_why() {
        for text in ["const a = {", "f(", "`open", "step('a', async () => {", "[1,"] {
            assert_eq!(prompt_line(text), Err(LineError::Incomplete), "{text}");
        }
        for (text, part) in [
            ("const = 1", "nexpected"),
            ("'open", "Unterminated string"),
            ("import x from './x.ts'", "cannot be imported"),
            ("export default 1", "exported"),
        ] {
            let error = prompt_line(text).unwrap_err();
            assert!(matches!(&error, LineError::Wrong(message) if message.contains(part)), "{text}: {error:?}");
        }
    }
}

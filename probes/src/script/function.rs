//! A module as the body of a function, where that is the same.
//!
//! To load a module costs a run more than to call a short `run`: the engine's module loader keeps books in a dozen
//! tables, and each page of them that it writes to is copied for the run's process. Most checks are one file that imports
//! the library by name and exports its check. Such a file means the same as a function that is given the library and
//! puts its check into what it was given: `import { expect } from "tocsin"` becomes a `const`, `export default`
//! an assignment. Whatever is anything else stays a module.
//!
//! Every line and every column stays where it was, so that stack traces and source maps hold.

use super::library::LIBRARY;
use oxc_allocator::Allocator;
use oxc_ast::AstKind;
use oxc_ast::ast::{
    ExportDefaultDeclarationKind, ImportDeclaration, ImportDeclarationSpecifier, ModuleExportName, Program, Statement,
    VariableDeclarationKind,
};
use oxc_parser::Parser;
use oxc_semantic::{Semantic, SemanticBuilder};
use oxc_span::{GetSpan as _, SourceType, Span};

/// The function's parameter: the library's modules by their names, and the place of the default export.
pub(crate) const PARAMETER: &str = "$_t";

const STRICT: &str = r#""use strict";"#;

/// Where a module and a function differ, or may: what the text of a file that becomes one must not hold.
const TELLING: [&str; 4] = [PARAMETER, "arguments", "<!--", "-->"];

/// `code`, the JavaScript of a module, as the body of a strict function.
pub(super) fn function_body(code: &str) -> Option<String> {
    if TELLING.iter().any(|part| code.contains(part)) {
        return None;
    }
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, code, SourceType::mjs()).parse();
    if !parsed.diagnostics.is_empty() || parsed.program.hashbang.is_some() {
        return None;
    }
    let analysed = SemanticBuilder::new().with_build_nodes(true).build(&parsed.program);
    if needs_a_module(&analysed.semantic) {
        return None;
    }
    let mut body = code.to_owned();
    // From the last to the first, so that the places of the others stay right.
    for (span, text) in replacements(code, &parsed.program)?.into_iter().rev() {
        body.replace_range(span.start as usize..span.end as usize, &text);
    }
    Some(body)
}

/// `await` outside of functions, `import()`, `import.meta`.
fn needs_a_module(semantic: &Semantic<'_>) -> bool {
    let nodes = semantic.nodes();
    nodes.iter().any(|node| {
        let awaits = match node.kind() {
            AstKind::ImportExpression(_) | AstKind::ImportMeta(_) => return true,
            AstKind::AwaitExpression(_) => true,
            AstKind::ForOfStatement(statement) => statement.r#await,
            AstKind::VariableDeclaration(declaration) => declaration.kind == VariableDeclarationKind::AwaitUsing,
            _ => false,
        };
        let is_function = |kind| matches!(kind, AstKind::Function(_) | AstKind::ArrowFunctionExpression(_));
        awaits && !nodes.ancestor_kinds(node.id()).any(is_function)
    })
}

fn replacements(code: &str, program: &Program<'_>) -> Option<Vec<(Span, String)>> {
    let mut replacements = Vec::new();
    let mut is_head = true;
    for statement in &program.body {
        let span = statement.span();
        let is_import = matches!(statement, Statement::ImportDeclaration(_));
        if is_import && !is_head {
            return None;
        }
        is_head = is_import;
        match statement {
            // A function is given all of the library before its first line, a `const` has its value from its own line on.
            Statement::ImportDeclaration(import) => replacements.push((span, constant(code, import)?)),
            Statement::ExportDefaultDeclaration(export) => {
                use ExportDefaultDeclarationKind::{ClassDeclaration, FunctionDeclaration, TSInterfaceDeclaration};
                const WRITTEN: &str = "export default";
                let declares = matches!(
                    export.declaration,
                    FunctionDeclaration(_) | ClassDeclaration(_) | TSInterfaceDeclaration(_)
                );
                if declares || !code.get(span.start as usize..)?.starts_with(WRITTEN) {
                    return None;
                }
                let end = span.start + u32::try_from(WRITTEN.len()).ok()?;
                replacements.push((Span::new(span.start, end), format!("{PARAMETER}.default  =")));
            }
            Statement::ExportDeclaration(export) => {
                replacements.push((Span::new(span.start, export.declaration.span().start), String::new()));
            }
            Statement::ExportNamedDeclaration(export) => {
                let is_default = |name: &ModuleExportName<'_>| name.name() == "default";
                if export.specifiers.iter().any(|specifier| is_default(&specifier.exported)) {
                    return None;
                }
                replacements.push((span, String::new()));
            }
            Statement::ExportAllDeclaration(_) | Statement::ExportFromDeclaration(_) => return None,
            _ => {}
        }
    }
    // A function becomes strict by its first statement, and for that there is room where the first import was.
    match &program.body.first()? {
        Statement::ImportDeclaration(_) => replacements.first_mut()?.1.insert_str(0, STRICT),
        _ => return None,
    }
    for (span, text) in &mut replacements {
        keep_places(code, *span, text)?;
    }
    Some(replacements)
}

/// `const{expect,step:begin}=$_t["tocsin"];`
fn constant(code: &str, import: &ImportDeclaration<'_>) -> Option<String> {
    let module = LIBRARY.iter().find(|module| import.source.value == module.name)?;
    if import.phase.is_some() || import.with_clause.is_some() {
        return None;
    }
    let mut names = Vec::new();
    for specifier in import.specifiers.iter().flatten() {
        let ImportDeclarationSpecifier::ImportSpecifier(specifier) = specifier else { return None };
        let ModuleExportName::IdentifierName(imported) = &specifier.imported else { return None };
        names.push(format!("{}:{}", imported.name, specifier.local.name));
    }
    // What follows on the import's last line would move.
    let rest = code.get(import.span.end as usize..)?.lines().next().unwrap_or_default();
    let is_last = rest.trim().is_empty() || rest.trim_start().starts_with("//");
    is_last.then(|| format!("const{{{}}}={PARAMETER}[{:?}];", names.join(","), module.name))
}

/// Has `text` take as many lines as what it replaces and, within its last line, as many columns, where it is shorter.
fn keep_places(code: &str, span: Span, text: &mut String) -> Option<()> {
    let replaced = code.get(span.start as usize..span.end as usize)?;
    let breaks = replaced.matches('\n').count();
    let last = replaced.rsplit('\n').next().unwrap_or_default();
    // Columns are counted in UTF-16 units.
    let columns = last.encode_utf16().count();
    if breaks == 0 {
        let columns_now = text.encode_utf16().count();
        text.extend(std::iter::repeat_n(' ', columns.saturating_sub(columns_now)));
    } else {
        text.extend(std::iter::repeat_n('\n', breaks));
        text.extend(std::iter::repeat_n(' ', columns));
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::function_body;

    #[test]
    fn lines_and_columns_stay() {
        let cases = [
            (
                "import { a } from \"tocsin\";\nexport default a({});",
                "\"use strict\";const{a:a}=$_t[\"tocsin\"];\n$_t.default  = a({});",
            ),
            (
                "import {\n  a as b,\n} from 'tocsin'; // why\nexport const c = b, d = 1;",
                "\"use strict\";const{a:b}=$_t[\"tocsin\"];\n\n                 // why\n       const c = b, d = 1;",
            ),
            (
                "// A check.\nimport 'tocsin';\nexport { x };\nlet x = async () => { await 1; };",
                "// A check.\n\"use strict\";const{}=$_t[\"tocsin\"];\n             \nlet x = async () => { await 1; };",
            ),
        ];
        for (module, body) in cases {
            let is = function_body(module).unwrap_or_else(|| panic!("stays a module: {module}"));
            let trimmed = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
            assert_eq!(trimmed(&is), trimmed(body), "{module}");
            for (before, after) in module.lines().zip(is.lines()).filter(|(before, _)| !before.contains("import")) {
                let end = |line: &str| line.trim_end().encode_utf16().count();
                assert!(end(after) == end(before) || end(after) == 0, "{before} -> {after}");
            }
        }
    }

    #[test]
    fn what_may_differ_stays_a_module() {
        for module in [
            "export default { run: async () => { await 1; } };",
            "import 'tocsin';\nconst x = await fetch('/');",
            "import 'tocsin';\nfor await (const x of y) {}",
            "import 'tocsin';\nconst x = { [await 1]: 2 };",
            "import 'tocsin';\nclass A { static x = this; [await 1]() {} }",
            "import 'tocsin';\nconst load = () => import('./x.js');",
            "import 'tocsin';\nconsole.log(import.meta.url);",
            "import * as all from 'tocsin';",
            "import some from 'tocsin';",
            "import { 'a b' as c } from 'tocsin';",
            "import { a } from './other.js';",
            "import x from './x.json' with { type: 'json' };",
            "import 'tocsin';\nf(); import { f } from 'tocsin';",
            "import 'tocsin';\nexport default f({});\nimport { f } from 'tocsin';",
            "import { f } from 'tocsin'; f();",
            "import 'tocsin';\nexport * from 'tocsin';",
            "import 'tocsin';\nexport { x } from 'tocsin';",
            "import 'tocsin';\nconst x = 1; export { x as default };",
            "import 'tocsin';\nexport default function f() {}",
            "import 'tocsin';\nexport default class {}",
            "import 'tocsin';\nexport  default 1;",
            "import 'tocsin';\nconst $_t = 1;",
            "import 'tocsin';\nconsole.log(typeof arguments);",
            "import 'tocsin';\nx <!--y",
            "import 'tocsin';\nsyntax error",
        ] {
            assert_eq!(function_body(module), None, "{module}");
        }
    }
}

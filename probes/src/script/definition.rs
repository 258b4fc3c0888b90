use oxc_ast::ast::{
    Argument, BindingPattern, ExportDefaultDeclarationKind, Expression, ObjectPropertyKind, Program, PropertyKey,
    Statement,
};
use std::collections::BTreeMap;

/// Where the default export is written, and each field of its `defineCheck({...})`: byte offsets, for errors about
/// their values. The values themselves are read by evaluating the script.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    pub default_export: Option<usize>,
    pub fields: BTreeMap<String, usize>,
}

pub(super) fn places(program: &Program<'_>) -> Places {
    let mut places = Places::default();
    let mut exported_name = None;
    for statement in &program.body {
        let Statement::ExportDefaultDeclaration(export) = statement else { continue };
        places.default_export = Some(export.span.start as usize);
        match &export.declaration {
            ExportDefaultDeclarationKind::Identifier(name) => exported_name = Some(name.name.as_str()),
            declaration => {
                if let Some(expression) = declaration.as_expression() {
                    fields(expression, &mut places.fields);
                }
            }
        }
    }
    for statement in &program.body {
        let Statement::VariableDeclaration(declaration) = statement else { continue };
        for declarator in &declaration.declarations {
            if let (BindingPattern::BindingIdentifier(name), Some(value)) = (&declarator.id, &declarator.init)
                && exported_name == Some(name.name.as_str())
            {
                fields(value, &mut places.fields);
            }
        }
    }
    places
}

fn fields(expression: &Expression<'_>, found: &mut BTreeMap<String, usize>) {
    match expression {
        Expression::CallExpression(call) => {
            if let Some(Argument::ObjectExpression(definition)) = call.arguments.first() {
                for property in &definition.properties {
                    let ObjectPropertyKind::ObjectProperty(property) = property else { continue };
                    let (name, span) = match &property.key {
                        PropertyKey::StaticIdentifier(name) => (name.name.as_str(), name.span),
                        PropertyKey::StringLiteral(name) => (name.value.as_str(), name.span),
                        _ => continue,
                    };
                    found.insert(name.to_owned(), span.start as usize);
                }
            }
        }
        Expression::TSAsExpression(typed) => fields(&typed.expression, found),
        Expression::TSSatisfiesExpression(typed) => fields(&typed.expression, found),
        Expression::ParenthesizedExpression(inner) => fields(&inner.expression, found),
        _ => {}
    }
}

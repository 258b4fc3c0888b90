//! Templates in labels and annotations: the part of Go's `text/template` that rule files use, with Prometheus's
//! functions. What is not known is refused when the file is read, by name.
//!
//! Known: `{{ pipeline }}`, `{{ if }}`, `{{ else if }}`, `{{ else }}`, `{{ range }}`, `{{ with }}`, `{{ end }}`, variables
//! (`$x := ..`, `$x = ..`), comments, trimming (`{{-`, `-}}`), strings, numbers, `true`, `false`, fields (`.Labels.job`),
//! parentheses and the functions in [`functions`]. Not known: `define`, `template`, `block`, `break`,
//! `continue`, `tableLink`, `graphLink`.

mod expand;
pub mod functions;
mod humanize;
mod printf;
mod reader;
mod tokens;

use expand::Run;
use reader::{End, Reader};

use crate::promql::VectorElement;
use crate::series::Labels;

/// Why a template cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("`{0}` is not supported")]
    Unsupported(String),
    #[error("the function `{0}` is not known")]
    UnknownFunction(String),
    #[error("the variable `{0}` is not set: write $labels, $value, or set it with `:=`")]
    UnknownVariable(String),
    #[error("`{0}` cannot be read")]
    Action(String),
    #[error("`{{{{` without `}}}}`")]
    Unclosed,
    #[error("`{0}` without `{{{{ end }}}}`")]
    NoEnd(&'static str),
    #[error("`{0}` without an `if`, `range` or `with` before it")]
    NoBegin(&'static str),
}

/// Why a template cannot be expanded; shown in the annotation's place, as Prometheus does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExpandError(pub String);

/// What a template sees.
pub struct TemplateContext<'a> {
    pub labels: &'a Labels,
    pub external_labels: &'a Labels,
    pub external_url: &'a str,
    pub value: f64,
    /// Answers `query "..."` at the rule's instant.
    pub query: &'a dyn Fn(&str) -> Result<Vec<VectorElement>, String>,
}

/// A value in a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    Nothing,
    Bool(bool),
    Number(f64),
    Whole(i64),
    Text(String),
    Labels(Labels),
    Sample(Labels, f64),
    List(Vec<Datum>),
    /// The template's own `.`: Labels, Value, ExternalLabels, ExternalURL.
    Root,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    text: String,
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Text(String),
    Show(Pipeline),
    Set { variable: String, pipeline: Pipeline },
    If { condition: Pipeline, then: Vec<Node>, otherwise: Vec<Node> },
    Range { index: Option<String>, element: Option<String>, over: Pipeline, body: Vec<Node>, otherwise: Vec<Node> },
    With { value: Pipeline, body: Vec<Node>, otherwise: Vec<Node> },
}

/// Commands, each given the value of the one before as its last argument.
type Pipeline = Vec<Command>;

#[derive(Debug, Clone, PartialEq)]
struct Command {
    function: Option<String>,
    arguments: Vec<Operand>,
}

#[derive(Debug, Clone, PartialEq)]
struct Operand {
    base: Base,
    fields: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Base {
    Dot,
    Variable(String),
    Value(Datum),
    Group(Pipeline),
    /// A function without arguments, such as `externalURL`.
    Function(String),
}

impl Template {
    /// # Errors
    /// What is not known or not closed.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut reader = Reader::new(text)?;
        let (nodes, end) = reader.block()?;
        match end {
            End::OfText => Ok(Self { text: text.to_owned(), nodes }),
            End::OfBlock => Err(TemplateError::NoBegin("{{ end }}")),
            End::Else | End::ElseIf(_) => Err(TemplateError::NoBegin("{{ else }}")),
        }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// # Errors
    /// A value of the wrong kind, or a query that fails.
    pub fn expand(&self, context: &TemplateContext<'_>) -> Result<String, ExpandError> {
        // Most labels are plain text.
        if let [Node::Text(text)] = self.nodes.as_slice() {
            return Ok(text.clone());
        }
        Run::new(context).text(&self.nodes)
    }
}

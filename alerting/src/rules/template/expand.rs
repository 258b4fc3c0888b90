//! From nodes to text.

use super::{Base, Command, Datum, ExpandError, Node, Operand, TemplateContext, functions};

/// One expansion.
pub(super) struct Run<'a> {
    context: &'a TemplateContext<'a>,
    variables: Vec<(String, Datum)>,
    out: String,
}

impl<'a> Run<'a> {
    pub fn new(context: &'a TemplateContext<'a>) -> Self {
        Self { context, variables: Vec::new(), out: String::new() }
    }

    pub fn text(mut self, nodes: &[Node]) -> Result<String, ExpandError> {
        self.nodes(nodes, &Datum::Root)?;
        Ok(self.out)
    }

    fn nodes(&mut self, nodes: &[Node], dot: &Datum) -> Result<(), ExpandError> {
        for node in nodes {
            match node {
                Node::Text(text) => self.out.push_str(text),
                Node::Show(pipeline) => {
                    let value = self.pipeline(pipeline, dot)?;
                    self.out.push_str(&functions::show(&value));
                }
                Node::Set { variable, pipeline } => {
                    let value = self.pipeline(pipeline, dot)?;
                    self.variables.push((variable.clone(), value));
                }
                Node::If { condition, then, otherwise } => {
                    let holds = functions::is_true(&self.pipeline(condition, dot)?);
                    self.scoped(if holds { then } else { otherwise }, dot)?;
                }
                Node::With { value, body, otherwise } => {
                    let value = self.pipeline(value, dot)?;
                    if functions::is_true(&value) { self.scoped(body, &value)? } else { self.scoped(otherwise, dot)? }
                }
                Node::Range { index, element, over, body, otherwise } => {
                    let list = match self.pipeline(over, dot)? {
                        Datum::List(list) => list,
                        Datum::Labels(labels) => {
                            labels.iter().map(|(_, value)| Datum::Text(value.to_string())).collect()
                        }
                        Datum::Nothing => Vec::new(),
                        other => return Err(ExpandError(format!("range over {}", functions::kind(&other)))),
                    };
                    if list.is_empty() {
                        self.scoped(otherwise, dot)?;
                    }
                    for (place, item) in list.into_iter().enumerate() {
                        let known = self.variables.len();
                        if let Some(index) = index {
                            self.variables.push((index.clone(), Datum::Whole(place as i64)));
                        }
                        if let Some(element) = element {
                            self.variables.push((element.clone(), item.clone()));
                        }
                        self.nodes(body, &item)?;
                        self.variables.truncate(known);
                    }
                }
            }
        }
        Ok(())
    }

    fn scoped(&mut self, nodes: &[Node], dot: &Datum) -> Result<(), ExpandError> {
        let known = self.variables.len();
        self.nodes(nodes, dot)?;
        self.variables.truncate(known);
        Ok(())
    }

    fn pipeline(&self, pipeline: &[Command], dot: &Datum) -> Result<Datum, ExpandError> {
        let mut value = None;
        for command in pipeline {
            let mut arguments = Vec::with_capacity(command.arguments.len() + 1);
            for operand in &command.arguments {
                arguments.push(self.operand(operand, dot)?);
            }
            arguments.extend(value.take());
            value = Some(match &command.function {
                Some(name) => functions::call(name, arguments, self.context)?,
                None => arguments.pop().unwrap_or(Datum::Nothing),
            });
        }
        Ok(value.unwrap_or(Datum::Nothing))
    }

    fn operand(&self, operand: &Operand, dot: &Datum) -> Result<Datum, ExpandError> {
        let mut value = match &operand.base {
            Base::Dot => dot.clone(),
            Base::Variable(name) if name.is_empty() => Datum::Root,
            Base::Variable(name) => match self.variables.iter().rev().find(|(own, _)| own == name) {
                Some((_, value)) => value.clone(),
                None => self.field(&Datum::Root, &format!("${name}"))?,
            },
            Base::Value(value) => value.clone(),
            Base::Group(pipeline) => self.pipeline(pipeline, dot)?,
            Base::Function(name) => functions::call(name, Vec::new(), self.context)?,
        };
        for field in &operand.fields {
            value = self.field(&value, field)?;
        }
        Ok(value)
    }

    fn field(&self, value: &Datum, field: &str) -> Result<Datum, ExpandError> {
        match (value, field) {
            (Datum::Root, "Labels" | "$labels") => Ok(Datum::Labels(self.context.labels.clone())),
            (Datum::Root, "Value" | "$value") => Ok(Datum::Number(self.context.value)),
            (Datum::Root, "ExternalLabels" | "$externalLabels") => {
                Ok(Datum::Labels(self.context.external_labels.clone()))
            }
            (Datum::Root, "ExternalURL" | "$externalURL") => Ok(Datum::Text(self.context.external_url.to_owned())),
            // A label that is not there is empty, as in Prometheus.
            (Datum::Labels(labels), name) => Ok(Datum::Text(labels.get(name).unwrap_or_default().to_owned())),
            (Datum::Sample(labels, _), "Labels") => Ok(Datum::Labels(labels.clone())),
            (Datum::Sample(_, value), "Value") => Ok(Datum::Number(*value)),
            (other, name) => Err(ExpandError(format!("{} has no field {name}", functions::kind(other)))),
        }
    }
}

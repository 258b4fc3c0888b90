//! From pieces to nodes.

use super::functions;
use super::tokens::{Piece, Token, split, tokens};
use super::{Base, Command, Datum, Node, Operand, Pipeline, TemplateError};

/// What ended a block.
pub(super) enum End {
    OfText,
    OfBlock,
    Else,
    ElseIf(String),
}

pub(super) struct Reader {
    pieces: Vec<Piece>,
    next: usize,
    variables: Vec<String>,
}

impl Reader {
    pub fn new(text: &str) -> Result<Self, TemplateError> {
        let variables = ["labels", "value", "externalLabels", "externalURL"].map(str::to_owned).to_vec();
        Ok(Self { pieces: split(text)?, next: 0, variables })
    }

    pub fn block(&mut self) -> Result<(Vec<Node>, End), TemplateError> {
        let mut nodes = Vec::new();
        while self.next < self.pieces.len() {
            self.next += 1;
            let action = match &self.pieces[self.next - 1] {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text.clone()));
                    continue;
                }
                Piece::Action(action) => action.clone(),
            };
            let (word, rest) = match action.split_once(char::is_whitespace) {
                Some((word, rest)) => (word, rest.trim()),
                None => (action.as_str(), ""),
            };
            match word {
                "end" => return Ok((nodes, End::OfBlock)),
                "else" if rest.is_empty() => return Ok((nodes, End::Else)),
                "else" => match rest.split_once(char::is_whitespace) {
                    Some(("if", condition)) => return Ok((nodes, End::ElseIf(condition.to_owned()))),
                    _ => return Err(TemplateError::Action(action)),
                },
                "if" => nodes.push(self.read_if(rest)?),
                "range" => nodes.push(self.read_range(rest)?),
                "with" => {
                    let known = self.variables.len();
                    let value = self.pipeline(rest)?;
                    let (body, otherwise) = self.branches("{{ with }}")?;
                    self.variables.truncate(known);
                    nodes.push(Node::With { value, body, otherwise });
                }
                "define" | "template" | "block" | "break" | "continue" => {
                    return Err(TemplateError::Unsupported(word.to_owned()));
                }
                _ => nodes.push(self.read_action(&action)?),
            }
        }
        Ok((nodes, End::OfText))
    }

    fn branches(&mut self, opened: &'static str) -> Result<(Vec<Node>, Vec<Node>), TemplateError> {
        let (body, end) = self.block()?;
        match end {
            End::OfBlock => Ok((body, Vec::new())),
            End::Else => {
                let (otherwise, end) = self.block()?;
                if matches!(end, End::OfBlock) { Ok((body, otherwise)) } else { Err(TemplateError::NoEnd(opened)) }
            }
            End::ElseIf(condition) => {
                let nested = self.read_if(&condition)?;
                Ok((body, vec![nested]))
            }
            End::OfText => Err(TemplateError::NoEnd(opened)),
        }
    }

    fn read_if(&mut self, condition: &str) -> Result<Node, TemplateError> {
        let known = self.variables.len();
        let condition = self.pipeline(condition)?;
        let (then, otherwise) = self.branches("{{ if }}")?;
        self.variables.truncate(known);
        Ok(Node::If { condition, then, otherwise })
    }

    fn read_range(&mut self, action: &str) -> Result<Node, TemplateError> {
        let known = self.variables.len();
        let tokens = tokens(action)?;
        let (index, element, rest) = match tokens.as_slice() {
            [Token::Variable(index), Token::Comma, Token::Variable(element), Token::Declare, rest @ ..] => {
                (Some(index.clone()), Some(element.clone()), rest)
            }
            [Token::Variable(element), Token::Declare, rest @ ..] => (None, Some(element.clone()), rest),
            rest => (None, None, rest),
        };
        let over = self.pipeline_of(rest, action)?;
        self.variables.extend(index.iter().chain(&element).cloned());
        let (body, otherwise) = self.branches("{{ range }}")?;
        self.variables.truncate(known);
        Ok(Node::Range { index, element, over, body, otherwise })
    }

    fn read_action(&mut self, action: &str) -> Result<Node, TemplateError> {
        let tokens = tokens(action)?;
        if let [Token::Variable(variable), assign @ (Token::Declare | Token::Assign), rest @ ..] = tokens.as_slice() {
            let pipeline = self.pipeline_of(rest, action)?;
            if *assign == Token::Declare {
                self.variables.push(variable.clone());
            } else if !self.variables.contains(variable) {
                return Err(TemplateError::UnknownVariable(format!("${variable}")));
            }
            return Ok(Node::Set { variable: variable.clone(), pipeline });
        }
        Ok(Node::Show(self.pipeline_of(&tokens, action)?))
    }

    fn pipeline(&self, action: &str) -> Result<Pipeline, TemplateError> {
        self.pipeline_of(&tokens(action)?, action)
    }

    fn pipeline_of(&self, tokens: &[Token], action: &str) -> Result<Pipeline, TemplateError> {
        let mut tokens = tokens.iter().peekable();
        let pipeline = self.commands(&mut tokens, action)?;
        if tokens.next().is_some() { Err(TemplateError::Action(action.to_owned())) } else { Ok(pipeline) }
    }

    fn commands(&self, tokens: &mut Tokens<'_>, action: &str) -> Result<Pipeline, TemplateError> {
        let wrong = || TemplateError::Action(action.to_owned());
        let mut pipeline = Vec::new();
        loop {
            let mut operands: Vec<Operand> = Vec::new();
            let mut border = true;
            while let Some(token) = tokens.peek() {
                let base = match token {
                    Token::Pipe | Token::Close => break,
                    Token::Field(name) if !border => {
                        operands.last_mut().ok_or_else(wrong)?.fields.push(name.clone());
                        tokens.next();
                        continue;
                    }
                    Token::Field(name) => {
                        let fields = if name.is_empty() { Vec::new() } else { vec![name.clone()] };
                        operands.push(Operand { base: Base::Dot, fields });
                        border = false;
                        tokens.next();
                        continue;
                    }
                    Token::Border => {
                        border = true;
                        tokens.next();
                        continue;
                    }
                    Token::Word(word) => match word.as_str() {
                        "true" => Base::Value(Datum::Bool(true)),
                        "false" => Base::Value(Datum::Bool(false)),
                        "nil" => Base::Value(Datum::Nothing),
                        name => {
                            functions::check(name)?;
                            Base::Function(name.to_owned())
                        }
                    },
                    Token::Variable(name) => {
                        if !name.is_empty() && !self.variables.contains(name) {
                            return Err(TemplateError::UnknownVariable(format!("${name}")));
                        }
                        Base::Variable(name.clone())
                    }
                    Token::Text(text) => Base::Value(Datum::Text(text.clone())),
                    Token::Number(number) => Base::Value(Datum::Number(*number)),
                    Token::Whole(whole) => Base::Value(Datum::Whole(*whole)),
                    Token::Open => {
                        tokens.next();
                        let inner = self.commands(tokens, action)?;
                        if !matches!(tokens.peek(), Some(Token::Close)) {
                            return Err(wrong());
                        }
                        Base::Group(inner)
                    }
                    Token::Declare | Token::Assign | Token::Comma => return Err(wrong()),
                };
                tokens.next();
                border = false;
                operands.push(Operand { base, fields: Vec::new() });
            }
            if operands.is_empty() {
                return Err(wrong());
            }
            let function = match &operands[0] {
                Operand { base: Base::Function(name), fields } if fields.is_empty() => Some(name.clone()),
                _ => None,
            };
            if function.is_some() {
                operands.remove(0);
            } else if operands.len() > 1 || !pipeline.is_empty() {
                return Err(wrong());
            }
            pipeline.push(Command { function, arguments: operands });
            match tokens.peek() {
                Some(Token::Pipe) => {
                    tokens.next();
                }
                _ => return Ok(pipeline),
            }
        }
    }
}

type Tokens<'a> = std::iter::Peekable<std::slice::Iter<'a, Token>>;

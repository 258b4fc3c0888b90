//! From text to pieces, and from an action to its tokens.

use super::TemplateError;
use super::functions;

pub(super) enum Piece {
    Text(String),
    Action(String),
}

/// Splits text from actions, and trims the text where `{{-` and `-}}` say so.
pub(super) fn split(text: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut trim_next = false;
    while !rest.is_empty() {
        let (before, action) = match rest.split_once("{{") {
            Some((before, after)) => (before, Some(after)),
            None => (rest, None),
        };
        let mut plain = if trim_next { before.trim_start() } else { before };
        let Some(after) = action else {
            pieces.push(Piece::Text(plain.to_owned()));
            break;
        };
        let after = match after.strip_prefix('-').filter(|after| after.starts_with(char::is_whitespace)) {
            Some(after) => {
                plain = plain.trim_end();
                after
            }
            None => after,
        };
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain.to_owned()));
        }
        let end = end_of_action(after).ok_or(TemplateError::Unclosed)?;
        let (inner, next) = (&after[..end], &after[end + 2..]);
        trim_next = inner.ends_with('-') && inner[..inner.len() - 1].ends_with(char::is_whitespace);
        let inner = if trim_next { &inner[..inner.len() - 1] } else { inner }.trim();
        if !inner.starts_with("/*") {
            pieces.push(Piece::Action(inner.to_owned()));
        }
        rest = next;
    }
    Ok(pieces)
}

/// Where `}}` stands that is not within a string.
fn end_of_action(text: &str) -> Option<usize> {
    let (mut quote, mut escaped) = (None, false);
    for (place, character) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some('"') if character == '\\' => escaped = true,
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if matches!(character, '"' | '`') => quote = Some(character),
            None if text[place..].starts_with("}}") => return Some(place),
            None => {}
        }
    }
    None
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Word(String),
    Variable(String),
    Field(String),
    Text(String),
    Number(f64),
    Whole(i64),
    Open,
    Close,
    Pipe,
    Declare,
    Assign,
    Comma,
    /// A space before a field: the field stands for itself, and does not belong to what is before it.
    Border,
}

pub(super) fn tokens(action: &str) -> Result<Vec<Token>, TemplateError> {
    let wrong = || TemplateError::Action(action.to_owned());
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    let mut tokens = Vec::new();
    let mut rest = action.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '|' => (Token::Pipe, 1),
            ',' => (Token::Comma, 1),
            '=' => (Token::Assign, 1),
            ':' if rest.starts_with(":=") => (Token::Declare, 2),
            '`' => {
                let end = rest[1..].find('`').ok_or_else(wrong)?;
                (Token::Text(rest[1..=end].to_owned()), end + 2)
            }
            '"' => {
                let (text, length) = functions::quoted(rest).ok_or_else(wrong)?;
                (Token::Text(text), length)
            }
            '$' | '.' if rest[1..].starts_with(is_name) => {
                let end = rest[1..].find(|character| !is_name(character)).map_or(rest.len(), |end| end + 1);
                let name = rest[1..end].to_owned();
                (if first == '$' { Token::Variable(name) } else { Token::Field(name) }, end)
            }
            '$' => (Token::Variable(String::new()), 1),
            '.' => (Token::Field(String::new()), 1),
            '-' | '+' | '0'..='9' => {
                let end = rest.find(|character: char| character.is_whitespace() || "()|,".contains(character));
                let text = &rest[..end.unwrap_or(rest.len())];
                let token = match (text.parse(), text.parse()) {
                    (Ok(whole), _) => Token::Whole(whole),
                    (_, Ok(number)) => Token::Number(number),
                    _ => return Err(wrong()),
                };
                (token, text.len())
            }
            _ if is_name(first) => {
                let end = rest.find(|character| !is_name(character)).unwrap_or(rest.len());
                (Token::Word(rest[..end].to_owned()), end)
            }
            _ => return Err(wrong()),
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
        if rest.starts_with('.')
            && rest.len() < action.len()
            && action[..action.len() - rest.len()].ends_with(char::is_whitespace)
        {
            tokens.push(Token::Border);
        }
    }
    Ok(tokens)
}

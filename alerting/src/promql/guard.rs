//! What is looked at before the parser sees a text: its size, and where its brackets and strings are.

use super::QueryError;

/// Longer, deeper and more chained expressions are refused before the recursive parser and evaluator see them.
const TEXT_BYTES_MAX: usize = 64 << 10;
const DEPTH_MAX: usize = 100;
const OPERATORS_MAX: usize = 250;

/// Refuses what is too long, too deep or too chained for recursive code.
///
/// # Errors
/// Which bound it is.
pub fn check(text: &str) -> Result<(), QueryError> {
    let syntax = |reason: String| QueryError::Syntax { expression: text.to_owned(), reason };
    if text.len() > TEXT_BYTES_MAX {
        let reason = format!("it is longer than {TEXT_BYTES_MAX} bytes");
        let expression = text.chars().take(100).chain(['…']).collect();
        return Err(QueryError::Syntax { expression, reason });
    }
    let size = size(text);
    if size.depth > DEPTH_MAX {
        return Err(syntax(format!("it is nested more than {DEPTH_MAX} deep")));
    }
    if size.operators > OPERATORS_MAX {
        return Err(syntax(format!("it has more than {OPERATORS_MAX} operators")));
    }
    Ok(())
}

/// Visits every character outside of strings and comments, with its place in bytes.
fn outside_strings(text: &str, mut see: impl FnMut(usize, char)) -> Option<usize> {
    let mut quote: Option<(char, usize)> = None;
    let (mut escaped, mut comment) = (false, false);
    for (place, character) in text.char_indices() {
        if comment {
            comment = character != '\n';
        } else if let Some((open, _)) = quote {
            if escaped {
                escaped = false;
            } else if character == '\\' && open != '`' {
                escaped = true;
            } else if character == open {
                quote = None;
            }
        } else if matches!(character, '"' | '\'' | '`') {
            quote = Some((character, place));
        } else if character == '#' {
            comment = true;
        } else {
            see(place, character);
        }
    }
    quote.map(|(_, place)| place)
}

#[derive(Default)]
struct Size {
    depth: usize,
    operators: usize,
}

/// How deep brackets nest, and how many operators there may be, signs and words among them.
fn size(text: &str) -> Size {
    let (mut size, mut open, mut word) = (Size::default(), 0usize, String::new());
    let mut in_matchers = false;
    outside_strings(text, |_, character| {
        if character.is_ascii_alphanumeric() || character == '_' {
            word.push(character);
            return;
        }
        size.operators += usize::from(matches!(word.to_ascii_lowercase().as_str(), "and" | "or" | "unless" | "atan2"));
        word.clear();
        match character {
            '(' | '[' | '{' => {
                open += 1;
                size.depth = size.depth.max(open);
                in_matchers = character == '{';
            }
            ')' | ']' | '}' => {
                open = open.saturating_sub(1);
                in_matchers = false;
            }
            '+' | '-' | '*' | '/' | '%' | '^' | '<' | '>' => size.operators += 1,
            '=' => size.operators += usize::from(!in_matchers),
            _ => {}
        }
    });
    size
}

/// Says which bracket or string is left open, which the grammar's own message does not.
pub fn unbalanced(text: &str) -> Option<String> {
    let mut open: Vec<(char, usize)> = Vec::new();
    let mut wrong = None;
    let unended = outside_strings(text, |place, character| {
        let partner = match character {
            '(' | '[' | '{' => return open.push((character, place)),
            ')' => '(',
            ']' => '[',
            '}' => '{',
            _ => return,
        };
        if open.pop().map(|(bracket, _)| bracket) != Some(partner) && wrong.is_none() {
            wrong = Some(format!("`{character}` at column {} closes nothing", place + 1));
        }
    });
    let unended = unended.map(|place| format!("the string that begins at column {} does not end", place + 1));
    let left = || open.last().map(|(bracket, place)| format!("`{bracket}` at column {} is never closed", place + 1));
    unended.or(wrong).or_else(left)
}

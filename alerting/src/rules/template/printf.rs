//! `printf`.

use super::Datum;
use super::functions::show;
use crate::rules::go_format::{fixed, general, scientific, shortest};

/// Go's `Sprintf`, for the verbs that make sense in an annotation. What does not fit is printed as Go prints it.
pub(super) fn printf(format: &str, arguments: &[Datum]) -> String {
    let mut out = String::new();
    let mut arguments = arguments.iter();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let flags_end = after.find(|flag| !"+- 0#".contains(flag)).unwrap_or(after.len());
        let (flags, after) = after.split_at(flags_end);
        let width_end = after.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(after.len());
        let (width, after) = after.split_at(width_end);
        let (precision, after) = match after.strip_prefix('.') {
            Some(after) => {
                let end = after.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(after.len());
                (Some(after[..end].parse().unwrap_or(0usize).min(100)), &after[end..])
            }
            None => (None, after),
        };
        let Some(verb) = after.chars().next() else {
            out.push_str("%!(NOVERB)");
            return out;
        };
        rest = &after[verb.len_utf8()..];
        if verb == '%' {
            out.push('%');
            continue;
        }
        let Some(argument) = arguments.next() else {
            out.push_str(&format!("%!{verb}(MISSING)"));
            continue;
        };
        let mut piece = verb_text(verb, precision, argument);
        let is_number = matches!(argument, Datum::Number(_) | Datum::Whole(_));
        if flags.contains('+') && is_number && !piece.starts_with(['-', '+', '%']) {
            piece.insert(0, '+');
        }
        let width: usize = width.parse().unwrap_or(0).min(200);
        let missing = width.saturating_sub(piece.chars().count());
        if flags.contains('-') {
            piece.push_str(&" ".repeat(missing));
        } else if flags.contains('0') && is_number {
            let sign = usize::from(piece.starts_with(['-', '+']));
            piece.insert_str(sign, &"0".repeat(missing));
        } else {
            piece.insert_str(0, &" ".repeat(missing));
        }
        out.push_str(&piece);
    }
    out.push_str(rest);
    out
}

fn verb_text(verb: char, precision: Option<usize>, argument: &Datum) -> String {
    match (verb, argument) {
        ('v', argument) => show(argument),
        ('s', Datum::Text(text)) => match precision {
            Some(characters) => text.chars().take(characters).collect(),
            None => text.clone(),
        },
        ('q', Datum::Text(text)) => format!("{text:?}"),
        ('d', Datum::Whole(whole)) => whole.to_string(),
        ('x', Datum::Whole(whole)) => format!("{whole:x}"),
        ('t', Datum::Bool(bool)) => bool.to_string(),
        ('f' | 'F', Datum::Number(number)) => fixed(*number, precision.unwrap_or(6)),
        ('e', Datum::Number(number)) => scientific(*number, precision.unwrap_or(6)),
        ('g', Datum::Number(number)) => precision.map_or_else(|| shortest(*number), |digits| general(*number, digits)),
        (_, argument) => {
            let type_name = match argument {
                Datum::Number(_) => "float64",
                Datum::Whole(_) => "int",
                Datum::Text(_) => "string",
                Datum::Bool(_) => "bool",
                _ => "value",
            };
            format!("%!{verb}({type_name}={})", show(argument))
        }
    }
}

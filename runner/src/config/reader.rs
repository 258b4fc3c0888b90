//! Walks a parsed TOML file, keeping where everything stands, and gathers what is wrong with it.
//!
//! A [`Section`] is one table. Whoever reads it asks for each key it knows; [`Section::finish`] then reports every
//! key that nobody asked for. A faulty value is reported once and read as absent.

use super::{Environment, Problem, substitute::substitute, suggest};
use std::cell::RefCell;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use toml_edit::{Item, TableLike, Value};

/// One file being read.
pub(super) struct Reading<'a> {
    pub file: String,
    pub text: &'a str,
    /// Folder that relative paths start from.
    pub folder: PathBuf,
    pub environment: Environment<'a>,
    pub problems: RefCell<Vec<Problem>>,
}

impl Reading<'_> {
    pub(super) fn report(&self, at: &At, message: impl Display) {
        let (line, column) = position(self.text, at.offset);
        let key = (!at.key.is_empty()).then(|| at.key.clone());
        let problem = Problem { file: self.file.clone(), line, column, key, message: message.to_string() };
        self.problems.borrow_mut().push(problem);
    }

    /// The place as messages begin with it, for what is found out later.
    pub(super) fn place_of(&self, at: &At) -> String {
        let (line, column) = position(self.text, at.offset);
        format!("{}:{line}:{column} (key {})", self.file, at.key)
    }

    pub(super) fn line(&self, at: &At) -> usize {
        position(self.text, at.offset).0
    }

    /// A path as written, made relative to the configuration's own folder.
    pub(super) fn path(&self, written: &str) -> PathBuf {
        self.folder.join(Path::new(written))
    }
}

/// Line and column of a byte offset, both from 1; the column counts characters.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Where something stands: a byte offset and the key's dotted path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct At {
    pub offset: usize,
    pub key: String,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Placed<T> {
    pub value: T,
    pub at: At,
}

/// A table whose keys are taken one by one.
pub(super) struct Section<'a> {
    pub reading: &'a Reading<'a>,
    pub at: At,
    table: &'a dyn TableLike,
    asked: Vec<String>,
}

impl<'a> Section<'a> {
    pub(super) fn new(reading: &'a Reading<'a>, at: At, table: &'a dyn TableLike) -> Self {
        Self { reading, at, table, asked: Vec::new() }
    }

    fn key_path(&self, key: &str) -> String {
        if self.at.key.is_empty() { key.to_owned() } else { format!("{}.{key}", self.at.key) }
    }

    fn take(&mut self, key: &str) -> Option<(&'a Item, At)> {
        self.asked.push(key.to_owned());
        let item = self.table.get(key)?;
        Some((item, self.place(key, item)))
    }

    /// An error about a value points at the value; about a whole table, at its head.
    fn place(&self, key: &str, item: &Item) -> At {
        let span = item.span().or_else(|| self.table.key(key).and_then(toml_edit::Key::span));
        At { offset: span.map_or(self.at.offset, |span: Range<usize>| span.start), key: self.key_path(key) }
    }

    fn wrong_type(&self, at: &At, wanted: &str, item: &Item) {
        self.reading.report(at, format_args!("expected {wanted}, found {}", described(item)));
    }

    /// A string, with the environment put in. Empty counts as absent, so that `"${X:-}"` is an optional setting.
    pub(super) fn string(&mut self, key: &str) -> Option<Placed<String>> {
        let (item, at) = self.take(key)?;
        self.read_string(item, at).filter(|text| !text.value.is_empty())
    }

    fn read_string(&self, item: &Item, at: At) -> Option<Placed<String>> {
        let Some(written) = item.as_str() else {
            self.wrong_type(&at, "a string", item);
            return None;
        };
        match substitute(written, self.reading.environment) {
            Ok(value) => Some(Placed { value, at }),
            Err(error) => {
                self.reading.report(&at, error);
                None
            }
        }
    }

    /// A string that must be there; `example` is what to write.
    pub(super) fn required_string(&mut self, key: &str, example: &str) -> Option<Placed<String>> {
        let reported = self.reading.problems.borrow().len();
        let text = self.string(key);
        if text.is_none() && self.reading.problems.borrow().len() == reported {
            let at = At { key: self.key_path(key), ..self.at.clone() };
            self.reading.report(&at, format_args!("missing; write `{key} = {example}`"));
        }
        text
    }

    /// A string that `parse` turns into something; its error is reported.
    pub(super) fn parsed<T, E: Display>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Placed<T>> {
        let text = self.string(key)?;
        match parse(&text.value) {
            Ok(value) => Some(Placed { value, at: text.at }),
            Err(error) => {
                self.reading.report(&text.at, error);
                None
            }
        }
    }

    pub(super) fn boolean(&mut self, key: &str) -> Option<bool> {
        let (item, at) = self.take(key)?;
        if item.as_bool().is_none() {
            self.wrong_type(&at, "true or false", item);
        }
        item.as_bool()
    }

    pub(super) fn integer(&mut self, key: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let (item, at) = self.take(key)?;
        let Some(number) = item.as_integer() else {
            self.wrong_type(&at, "a whole number", item);
            return None;
        };
        let number = u64::try_from(number).ok().filter(|number| range.contains(number));
        if number.is_none() {
            let (low, high) = range.into_inner();
            self.reading.report(&at, format_args!("must lie between {low} and {high}"));
        }
        number
    }

    pub(super) fn strings(&mut self, key: &str) -> Vec<Placed<String>> {
        let Some((item, at)) = self.take(key) else { return Vec::new() };
        let Some(array) = item.as_array() else {
            self.wrong_type(&at, "a list of strings", item);
            return Vec::new();
        };
        let mut out = Vec::new();
        for (index, value) in array.iter().enumerate() {
            let key = format!("{}[{}]", at.key, index + 1);
            let at = At { offset: value.span().map_or(at.offset, |span| span.start), key };
            out.extend(self.read_string(&Item::Value(value.clone()), at));
        }
        out
    }

    /// A table, `[key]` or `key = { ... }`.
    pub(super) fn section(&mut self, key: &str) -> Option<Section<'a>> {
        let (item, at) = self.take(key)?;
        let Some(table) = item.as_table_like() else {
            self.wrong_type(&at, &format!("a table `[{}]`", at.key), item);
            return None;
        };
        Some(Section::new(self.reading, at, table))
    }

    /// A list of tables, `[[key]]` or `key = [{ ... }]`; counted from 1 in messages, as a person counts them.
    pub(super) fn sections(&mut self, key: &str) -> Vec<Section<'a>> {
        let Some((item, at)) = self.take(key) else { return Vec::new() };
        let numbered = |index: usize, span: Option<Range<usize>>| At {
            offset: span.map_or(at.offset, |span| span.start),
            key: format!("{}[{}]", at.key, index + 1),
        };
        if let Some(tables) = item.as_array_of_tables() {
            let section = |(index, table): (usize, &'a toml_edit::Table)| {
                Section::new(self.reading, numbered(index, table.span()), table)
            };
            return tables.iter().enumerate().map(section).collect();
        }
        let inline: Option<Vec<_>> =
            item.as_array().and_then(|array| array.iter().map(Value::as_inline_table).collect());
        let Some(inline) = inline else {
            self.wrong_type(&at, &format!("tables `[[{}]]`", at.key), item);
            return Vec::new();
        };
        let section = |(index, table): (usize, &'a toml_edit::InlineTable)| {
            Section::new(self.reading, numbered(index, table.span()), table)
        };
        inline.into_iter().enumerate().map(section).collect()
    }

    /// The names in a table whose keys are the user's own.
    pub(super) fn names(&self) -> Vec<Placed<String>> {
        let placed = |(name, item): (&str, &Item)| {
            let span = self.table.key(name).and_then(toml_edit::Key::span).or_else(|| item.span());
            let offset = span.map_or(self.at.offset, |span| span.start);
            Placed { value: name.to_owned(), at: At { offset, key: self.key_path(name) } }
        };
        self.table.iter().map(placed).collect()
    }

    /// Where the value of `key` stands, or the table where it is not written.
    pub(super) fn value_place(&self, key: &str) -> At {
        match self.table.get(key) {
            Some(item) => self.place(key, item),
            None => At { key: self.key_path(key), ..self.at.clone() },
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Marks `key` as known without reading it.
    pub(super) fn note(&mut self, key: &str) {
        self.asked.push(key.to_owned());
    }

    /// Whether `key` is written as a plain string (and not as a table).
    pub(super) fn is_string(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(Item::is_str)
    }

    /// Reports every key that nobody asked for.
    pub(super) fn finish(self) {
        for name in self.names() {
            if self.asked.contains(&name.value) {
                continue;
            }
            let known = self.asked.iter().map(String::as_str);
            let message = match suggest::nearest(&name.value, known) {
                Some(key) => format!("unknown key; did you mean {key}?"),
                None => format!("unknown key; known here are {}", self.asked.join(", ")),
            };
            self.reading.report(&name.at, message);
        }
    }
}

fn described(item: &Item) -> String {
    match item {
        Item::Value(Value::String(_)) => "a string".to_owned(),
        Item::Value(Value::Integer(number)) => format!("the number {}", number.value()),
        Item::Value(Value::Float(number)) => format!("the number {}", number.value()),
        Item::Value(Value::Boolean(value)) => format!("`{}`", value.value()),
        Item::Value(Value::Datetime(_)) => "a date".to_owned(),
        Item::Value(Value::Array(_)) => "a list".to_owned(),
        Item::Value(Value::InlineTable(_)) | Item::Table(_) => "a table".to_owned(),
        Item::ArrayOfTables(_) => "a list of tables".to_owned(),
        Item::None => "nothing".to_owned(),
    }
}

//! From text to the expression tree.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use promql_parser::label::{MatchOp, Matchers};
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{self, token};

use super::QueryError;
use super::expression::{
    Aggregate, Aggregation, At, Binary, Cardinality, Expr, Kind, Matching, Operator, Selector, Shift,
};
use super::function::{Function, WindowFunction, instead_of};
use super::guard;
use crate::series::labels::is_label_name;
use crate::series::matcher::anchored;
use crate::series::{METRIC_NAME, Matcher};

/// The inner windows of `derivative` over a counter: its rate over a minute, every ten seconds.
const DERIVATIVE_RATE_MS: i64 = 60_000;
const DERIVATIVE_STEP_MS: i64 = 10_000;
/// Reads an expression.
///
/// # Errors
/// What is wrong and where, or which part of PromQL is not supported.
pub fn parse(text: &str) -> Result<Expr, QueryError> {
    let syntax = |reason: String| QueryError::Syntax { expression: text.to_owned(), reason };
    guard::check(text)?;
    register_derivative().map_err(syntax)?;
    // Which bracket or string is open, and where, is more than the parser says.
    let parsed = parser::parse(text).map_err(|reason| syntax(guard::unbalanced(text).unwrap_or(reason)))?;
    convert(&parsed)
}

/// Makes the parser know `derivative`; once for the process, since its table is global.
fn register_derivative() -> Result<(), String> {
    static REGISTERED: OnceLock<Result<(), String>> = OnceLock::new();
    let register = || {
        let function = parser::Function::new("derivative", vec![ValueType::Matrix], 0, ValueType::Vector, false);
        parser::function::register_extra_functions(vec![function])
    };
    REGISTERED.get_or_init(register).clone()
}

fn convert(parsed: &parser::Expr) -> Result<Expr, QueryError> {
    let place = || parsed.to_string();
    let (kind, fixed) = match parsed {
        parser::Expr::Paren(inner) => return convert(&inner.expr),
        parser::Expr::NumberLiteral(number) => (Kind::Number(number.val), true),
        parser::Expr::StringLiteral(text) => (Kind::Text(text.val.clone()), true),
        parser::Expr::VectorSelector(vector) => {
            let selector = selector(vector, &place)?;
            let fixed = selector.shift.at.is_some();
            (Kind::Instant(selector), fixed)
        }
        parser::Expr::MatrixSelector(matrix) => {
            let selector = selector(&matrix.vs, &place)?;
            let fixed = selector.shift.at.is_some();
            (Kind::Range { selector, range_ms: millis(matrix.range) }, fixed)
        }
        parser::Expr::Subquery(subquery) => {
            let inner = Box::new(convert(&subquery.expr)?);
            let shift = shift(subquery.offset.as_ref(), subquery.at.as_ref());
            let step_ms = subquery.step.map(millis).filter(|step_ms| *step_ms > 0);
            let range_ms = millis(subquery.range);
            (Kind::Subquery { inner, range_ms, step_ms, shift }, shift.at.is_some())
        }
        parser::Expr::Unary(unary) => {
            let inner = convert(&unary.expr)?;
            let fixed = inner.fixed;
            (Kind::Negate(Box::new(inner)), fixed)
        }
        parser::Expr::Binary(binary) => {
            let binary = convert_binary(binary, &place)?;
            let fixed = binary.left.fixed && binary.right.fixed;
            (Kind::Binary(Box::new(binary)), fixed)
        }
        parser::Expr::Aggregate(aggregate) => {
            let aggregate = convert_aggregate(aggregate, &place)?;
            let fixed = aggregate.inner.fixed && aggregate.parameter.as_ref().is_none_or(|parameter| parameter.fixed);
            (Kind::Aggregate(Box::new(aggregate)), fixed)
        }
        parser::Expr::Call(call) => return convert_call(call, parsed),
        parser::Expr::Extension(_) => {
            return Err(QueryError::Unsupported {
                what: "an extension".to_owned(),
                place: place(),
                instead: "write PromQL",
            });
        }
    };
    Ok(Expr { kind, text: place().into(), fixed })
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4)
}

fn shift(offset: Option<&parser::Offset>, at: Option<&parser::AtModifier>) -> Shift {
    let offset_ms = match offset {
        Some(parser::Offset::Pos(duration)) => millis(*duration),
        Some(parser::Offset::Neg(duration)) => -millis(*duration),
        None => 0,
    };
    let at = at.map(|at| match at {
        parser::AtModifier::Start => At::Start,
        parser::AtModifier::End => At::End,
        parser::AtModifier::At(time) => At::InstantMs(unix_ms(*time)),
    });
    Shift { offset_ms, at }
}

fn unix_ms(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => millis(after),
        Err(before) => -millis(before.duration()),
    }
}

fn selector(vector: &parser::VectorSelector, place: &impl Fn() -> String) -> Result<Selector, QueryError> {
    let mut matchers = Vec::new();
    if let Some(metric) = &vector.name {
        matchers.push(Matcher::equal(METRIC_NAME, metric));
    }
    matchers.extend(convert_matchers(&vector.matchers, place)?);
    Ok(Selector { matchers, shift: shift(vector.offset.as_ref(), vector.at.as_ref()) })
}

/// # Errors
/// An `or` between matchers, or a pattern that is none.
fn convert_matchers(matchers: &Matchers, place: &impl Fn() -> String) -> Result<Vec<Matcher>, QueryError> {
    if !matchers.or_matchers.is_empty() {
        let what = "`or` between matchers".to_owned();
        let instead = "use a pattern (`=~\"a|b\"`) or `or` between two selectors";
        return Err(QueryError::Unsupported { what, place: place(), instead });
    }
    let convert = |matcher: &promql_parser::label::Matcher| {
        let (name, value) = (&matcher.name, &matcher.value);
        let converted = match &matcher.op {
            MatchOp::Equal => Ok(Matcher::equal(name, value)),
            MatchOp::NotEqual => Ok(Matcher::not_equal(name, value)),
            MatchOp::Re(_) => Matcher::pattern(name, value),
            MatchOp::NotRe(_) => Matcher::not_pattern(name, value),
        };
        converted.map_err(|source| QueryError::Matcher { place: place(), source })
    };
    matchers.matchers.iter().map(convert).collect()
}

fn convert_binary(binary: &parser::BinaryExpr, place: &impl Fn() -> String) -> Result<Binary, QueryError> {
    let operator = match binary.op.id() {
        token::T_ADD => Operator::Add,
        token::T_SUB => Operator::Subtract,
        token::T_MUL => Operator::Multiply,
        token::T_DIV => Operator::Divide,
        token::T_MOD => Operator::Modulo,
        token::T_POW => Operator::Power,
        token::T_ATAN2 => Operator::Atan2,
        token::T_EQLC => Operator::Equal,
        token::T_NEQ => Operator::NotEqual,
        token::T_GTR => Operator::Greater,
        token::T_LSS => Operator::Less,
        token::T_GTE => Operator::GreaterOrEqual,
        token::T_LTE => Operator::LessOrEqual,
        token::T_LAND => Operator::And,
        token::T_LOR => Operator::Or,
        token::T_LUNLESS => Operator::Unless,
        _ => {
            let (what, instead) = (format!("the operator `{}`", binary.op), "use an operator of PromQL");
            return Err(QueryError::Unsupported { what, place: place(), instead });
        }
    };
    let mut matching = Matching { on: false, labels: Vec::new(), side: Cardinality::OneToOne, include: Vec::new() };
    if let Some(modifier) = &binary.modifier {
        if modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some() {
            let (what, instead) = ("`fill`".to_owned(), "add the missing elements with `or`");
            return Err(QueryError::Unsupported { what, place: place(), instead });
        }
        if let Some(labels) = &modifier.matching {
            matching.on = labels.is_include();
            matching.labels.clone_from(&labels.labels().labels);
        }
        match &modifier.card {
            parser::VectorMatchCardinality::ManyToOne(include) => {
                matching.side = Cardinality::ManyToOne;
                matching.include.clone_from(&include.labels);
            }
            parser::VectorMatchCardinality::OneToMany(include) => {
                matching.side = Cardinality::OneToMany;
                matching.include.clone_from(&include.labels);
            }
            parser::VectorMatchCardinality::OneToOne | parser::VectorMatchCardinality::ManyToMany => {}
        }
    }
    Ok(Binary {
        operator,
        left: convert(&binary.lhs)?,
        right: convert(&binary.rhs)?,
        returns_bool: binary.return_bool(),
        matching,
    })
}

fn convert_aggregate(aggregate: &parser::AggregateExpr, place: &impl Fn() -> String) -> Result<Aggregate, QueryError> {
    let operation = match aggregate.op.id() {
        token::T_SUM => Aggregation::Sum,
        token::T_AVG => Aggregation::Average,
        token::T_MIN => Aggregation::Min,
        token::T_MAX => Aggregation::Max,
        token::T_COUNT => Aggregation::Count,
        token::T_GROUP => Aggregation::Group,
        token::T_STDDEV => Aggregation::StandardDeviation,
        token::T_STDVAR => Aggregation::Variance,
        token::T_TOPK => Aggregation::Top,
        token::T_BOTTOMK => Aggregation::Bottom,
        token::T_QUANTILE => Aggregation::Quantile,
        token::T_COUNT_VALUES => Aggregation::CountValues,
        _ => {
            let (what, instead) = (format!("the aggregation `{}`", aggregate.op), "use `topk`");
            return Err(QueryError::Unsupported { what, place: place(), instead });
        }
    };
    let (without, labels) = match &aggregate.modifier {
        Some(modifier) => (!modifier.is_include(), modifier.labels().labels.clone()),
        None => (false, Vec::new()),
    };
    let parameter = aggregate.param.as_ref().map(|parameter| convert(parameter)).transpose()?;
    Ok(Aggregate { operation, inner: convert(&aggregate.expr)?, parameter, without, labels })
}

fn convert_call(call: &parser::Call, parsed: &parser::Expr) -> Result<Expr, QueryError> {
    let text: Arc<str> = parsed.to_string().into();
    let name = call.func.name;
    let mut args = call.args.args.iter().map(|arg| convert(arg)).collect::<Result<Vec<_>, _>>()?;
    let args_fixed = args.iter().all(|arg| arg.fixed);
    if name == "derivative" {
        let arg = args.pop().ok_or_else(|| argument(&text, "it takes one range, such as `[5m]`".to_owned()))?;
        return Ok(derivative(arg, text));
    }
    if name == "label_replace" {
        return label_replace(args, text);
    }
    let Some(function) = Function::by_name(name) else {
        let what = format!("the function `{name}`");
        return Err(QueryError::Unsupported { what, place: text.to_string(), instead: instead_of(name) });
    };
    let fixed = args_fixed && !function.follows_time();
    Ok(Expr { kind: Kind::Call { function, args }, text, fixed })
}

fn argument(place: &str, reason: String) -> QueryError {
    QueryError::Argument { place: place.to_owned(), reason }
}

/// `derivative(x[5m])`: see the module's own words in [`super`].
fn derivative(arg: Expr, text: Arc<str>) -> Expr {
    let deriv = |range: Expr| {
        let fixed = range.fixed;
        let kind = Kind::Call { function: Function::Window(WindowFunction::Deriv), args: vec![range] };
        Expr { kind, text: Arc::clone(&text), fixed }
    };
    let Kind::Range { selector, range_ms } = &arg.kind else { return deriv(arg) };
    let named = selector
        .matchers
        .iter()
        .find(|matcher| matcher.name == METRIC_NAME && matches!(matcher.kind, crate::series::MatchKind::Equal));
    let metric = named.map(|matcher| matcher.value.clone());
    let inner = Selector { matchers: selector.matchers.clone(), shift: Shift::default() };
    let kind = Kind::Range { selector: inner, range_ms: DERIVATIVE_RATE_MS };
    let rated = Expr { kind, text: Arc::clone(&text), fixed: false };
    let kind = Kind::Call { function: Function::Window(WindowFunction::Rate), args: vec![rated] };
    let rate = Expr { kind, text: Arc::clone(&text), fixed: false };
    let fixed = arg.fixed;
    let kind = Kind::Subquery {
        inner: Box::new(rate),
        range_ms: *range_ms,
        step_ms: Some(DERIVATIVE_STEP_MS),
        shift: selector.shift,
    };
    let counter = Box::new(deriv(Expr { kind, text: Arc::clone(&text), fixed }));
    let gauge = Box::new(deriv(arg));
    Expr { kind: Kind::Derivative { metric, gauge, counter }, text, fixed }
}

fn label_replace(args: Vec<Expr>, text: Arc<str>) -> Result<Expr, QueryError> {
    let mut args = args.into_iter();
    let missing =
        || argument(&text, "write label_replace(vector, \"target\", \"$1\", \"source\", \"pattern\")".to_owned());
    let inner = args.next().ok_or_else(missing)?;
    let mut texts = Vec::new();
    for arg in args {
        match arg.kind {
            Kind::Text(value) => texts.push(value),
            _ => return Err(missing()),
        }
    }
    let [target, replacement, source, pattern] = <[String; 4]>::try_from(texts).map_err(|_| missing())?;
    if !is_label_name(&target) {
        return Err(argument(&text, format!("{target:?} is no label name")));
    }
    let pattern = anchored(&pattern).map_err(|source| QueryError::Matcher { place: text.to_string(), source })?;
    let fixed = inner.fixed;
    Ok(Expr { kind: Kind::LabelReplace { inner: Box::new(inner), target, replacement, source, pattern }, text, fixed })
}

/// Reads the matchers of a selector without a range, as the API's `match[]` has them.
///
/// # Errors
/// As [`parse`]; or it is no plain selector.
pub fn parse_matchers(text: &str) -> Result<Vec<Matcher>, QueryError> {
    match parse(text)?.kind {
        Kind::Instant(selector) if selector.shift == Shift::default() => Ok(selector.matchers),
        _ => Err(argument(text, "write a selector such as `logins{region=\"eu\"}`".to_owned())),
    }
}

/// Reads the labels of one series as matchers; `None`: it is something else. A set without a name, or of empty
/// values only, is no selector to the parser, so a name is lent to it.
///
/// # Errors
/// As [`parse`].
pub fn parse_series(text: &str) -> Result<Option<Vec<Matcher>>, QueryError> {
    const LENT: &str = "lent_name";
    let trimmed = text.trim();
    let lends = trimmed.starts_with('{') && !trimmed.contains(METRIC_NAME);
    let parsed = parse(&if lends { format!("{LENT}{trimmed}") } else { trimmed.to_owned() })?;
    let Kind::Instant(selector) = parsed.kind else { return Ok(None) };
    let keep = |matcher: &Matcher| !lends || matcher.value != LENT;
    Ok((selector.shift == Shift::default()).then(|| selector.matchers.into_iter().filter(keep).collect()))
}

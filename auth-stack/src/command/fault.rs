//! `auth-stack fault`.

use super::admin_client::ask;
use anyhow::Context as _;
use auth_stack::{Fault, FaultOrder};
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

pub(crate) const ADMIN_DEFAULT: &str = "http://127.0.0.1:9444";

#[derive(clap::Args)]
struct Admin {
    /// URL of the stack's admin endpoint
    #[arg(long, value_name = "URL", default_value = ADMIN_DEFAULT, env = "AUTH_STACK_ADMIN")]
    admin: String,
}

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Break something
    ///
    /// Examples:
    ///   auth-stack fault set slow --ms 3000 --node us-east-1
    ///   auth-stack fault set error --status 503 --component token --ratio 0.5 --for 30s
    ///   auth-stack fault set outage --node eu-west-1
    ///   auth-stack fault set logins-fall --over 1m
    #[command(verbatim_doc_comment)]
    Set(Set),
    /// Mend something: one fault by its id, all of a kind, or all
    Clear(Clear),
    /// Show the faults in force, or with --all every kind of fault there is
    List(List),
}

#[derive(clap::Args)]
pub(crate) struct Set {
    /// Kind of fault; `auth-stack fault list --all` names them
    fault: String,
    /// Only on this node
    #[arg(long)]
    node: Option<String>,
    /// Only in this component, such as token or login
    #[arg(long)]
    component: Option<String>,
    /// Delay of `slow`, in milliseconds [default: 3000]
    #[arg(long)]
    ms: Option<u64>,
    /// HTTP status of `error` [default: 500]
    #[arg(long)]
    status: Option<u16>,
    /// Days left of `expired-certificate` [default: -1]
    #[arg(long, allow_negative_numbers = true)]
    days: Option<i64>,
    /// Share of the requests that are hit, above 0 and up to 1 [default: 1]
    #[arg(long)]
    ratio: Option<f64>,
    /// Let the share grow from nothing over so long, such as 30s; it is whole at once when left out
    #[arg(long = "over", value_name = "DURATION", value_parser = parse_duration_ms)]
    over_ms: Option<u64>,
    /// How long it holds, such as 500ms, 30s or 5m; until cleared when left out
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration_ms)]
    for_ms: Option<u64>,
    #[command(flatten)]
    admin: Admin,
}

#[derive(clap::Args)]
pub(crate) struct Clear {
    /// Id or kind; all when left out
    #[arg(value_name = "ID-OR-KIND")]
    selector: Option<String>,
    /// Only those that were set for this node
    #[arg(long)]
    node: Option<String>,
    #[command(flatten)]
    admin: Admin,
}

#[derive(clap::Args)]
pub(crate) struct List {
    /// Every kind of fault with what it does (needs no running stack)
    #[arg(long)]
    all: bool,
    /// As JSON
    #[arg(long, conflicts_with = "all")]
    json: bool,
    #[command(flatten)]
    admin: Admin,
}

fn parse_duration_ms(text: &str) -> Result<u64, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let unit_ms = match &text[digits..] {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let product = text[..digits].parse::<u64>().ok().zip(unit_ms).and_then(|(count, unit)| count.checked_mul(unit));
    product.ok_or_else(|| "write a number and a unit: 500ms, 30s, 5m or 1h".to_owned())
}

pub(crate) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Set(set) => run_set(set).await,
        Command::Clear(clear) => run_clear(clear).await,
        Command::List(list) => run_list(list).await,
    }
}

async fn run_set(set: Set) -> anyhow::Result<()> {
    let order = FaultOrder {
        fault: set.fault,
        node: set.node,
        component: set.component,
        ms: set.ms,
        status: set.status,
        days: set.days,
        ratio: set.ratio,
        over_ms: set.over_ms,
        for_ms: set.for_ms,
    };
    let body = serde_json::to_string(&order)?;
    let fault = ask(&set.admin.admin, Method::POST, "/faults", Some(body)).await?;
    println!("set  {}", line(&serde_json::from_value(fault).context("the stack's answer is not a fault")?));
    Ok(())
}

async fn run_clear(clear: Clear) -> anyhow::Result<()> {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let mut path = "/faults".to_owned();
    if let Some(selector) = &clear.selector {
        path.push('/');
        path.push_str(&encode(selector));
    }
    if let Some(node) = &clear.node {
        path.push_str("?node=");
        path.push_str(&encode(node));
    }
    let answer = ask(&clear.admin.admin, Method::DELETE, &path, None).await?;
    let cleared = faults(&answer, "cleared")?;
    if cleared.is_empty() {
        println!("no fault was in force");
    }
    for fault in &cleared {
        println!("cleared  {}", line(fault));
    }
    Ok(())
}

async fn run_list(list: List) -> anyhow::Result<()> {
    if list.all {
        println!("The faults, for `auth-stack fault set FAULT`:\n\n{}", auth_stack::fault_kinds_text());
        return Ok(());
    }
    let answer = ask(&list.admin.admin, Method::GET, "/faults", None).await?;
    if list.json {
        println!("{answer:#}");
        return Ok(());
    }
    let in_force = faults(&answer, "faults")?;
    if in_force.is_empty() {
        println!("no fault is in force");
    }
    for fault in &in_force {
        println!("{}", line(fault));
    }
    Ok(())
}

fn faults(answer: &Value, key: &str) -> anyhow::Result<Vec<Fault>> {
    serde_json::from_value(answer[key].clone()).context("the stack's answer is not a list of faults")
}

/// One fault in one line.
fn line(fault: &Fault) -> String {
    let mut line = format!("{}  {}", fault.id, fault.fault);
    let mut add = |text: String| {
        line.push(' ');
        line.push_str(&text);
    };
    if let Some(ms) = fault.ms {
        add(format!("{ms} ms"));
    }
    if let Some(status) = fault.status {
        add(status.to_string());
    }
    if let Some(days) = fault.days {
        add(format!("{days} days left"));
    }
    add(fault.node.as_ref().map_or_else(|| "on all nodes".to_owned(), |node| format!("on {node}")));
    if let Some(component) = &fault.component {
        add(format!("in {component}"));
    }
    if fault.ratio < 1.0 {
        add(format!("for a share of {}", fault.ratio));
    }
    if let Some(until) = fault.until_ms.and_then(chrono::DateTime::from_timestamp_millis) {
        add(format!("until {}", until.format("%T UTC")));
    }
    if fault.matched > 0 {
        add(format!("({} of {} requests hit)", fault.hit, fault.matched));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        for (text, ms) in [
            ("500ms", Some(500)),
            ("30s", Some(30_000)),
            ("5m", Some(300_000)),
            ("1h", Some(3_600_000)),
            ("30", None),
            ("s", None),
            ("-1s", None),
            ("1.5s", None),
            ("99999999999999999999s", None),
            ("9999999999999999999h", None),
        ] {
            assert_eq!(parse_duration_ms(text).ok(), ms, "{text}");
        }
    }
}

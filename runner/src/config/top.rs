//! The file as a whole: its top-level keys, and what several groups must agree on.

use super::policies::directory;
use super::reader::{At, Placed, Reading, Section};
use super::{
    Authentication, ConfigError, Environment, Problem, Settings, alerts, authentication, callbacks, control, delivery,
    depends_on, email, heartbeat_out, heartbeats, maintenance, metrics, network, policies, regions, rules, sandbox,
    schedule, slack, statsd, teams, twilio, vars, webhooks,
};
use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use toml_edit::Document;

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9480);
const CHECKS: &str = "checks";
const DATA: &str = "tocsin-data";

pub(super) fn read(file: &Path, text: &str, environment: Environment<'_>) -> Result<Settings, ConfigError> {
    let folder = file.parent().map(Path::to_owned).unwrap_or_default();
    let name = file.display().to_string();
    let reading = Reading { file: name, text, folder, environment, problems: RefCell::default() };
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let at = At { offset: error.span().map_or(0, |span| span.start), key: String::new() };
            reading.report(
                &at,
                format_args!(
                    "this is not TOML: {}; texts stand in quotation marks, and each key once",
                    error.message()
                ),
            );
            return Err(ConfigError::Problems(reading.problems.into_inner()));
        }
    };
    let root = Section::new(&reading, At { offset: 0, key: String::new() }, document.as_table());
    let settings = read_root(file, root, environment);
    let mut problems = reading.problems.into_inner();
    if problems.is_empty() {
        return Ok(settings);
    }
    problems.sort_by_key(|problem: &Problem| (problem.line, problem.column));
    Err(ConfigError::Problems(problems))
}

fn read_root(file: &Path, mut root: Section<'_>, environment: Environment<'_>) -> Settings {
    let checks_dir = checks_dir(&mut root);
    let data_dir = root.string("data").map_or_else(|| root.reading.path(DATA), |text| root.reading.path(&text.value));
    let listen = root.parsed("listen", |text| {
        text.parse::<SocketAddr>().map_err(|_| {
            format!("`{text}` is no address to listen on; write one such as \"127.0.0.1:9480\" or \"[::1]:9480\"")
        })
    });
    let authentication = authentication::read(root.section("authentication"));
    let listen = closed_by_default(&root, listen, authentication.as_ref());
    let callbacks = callbacks::read(root.section("callbacks"));
    let statsd = statsd::read(root.section("statsd"));
    let draft = policies::read(root.section("policies"));
    let teams = teams::read(root.section("teams"), &draft);
    let regions = regions::read(root.sections("regions"));
    let webhooks = root.section("webhooks");
    // One that is faulty has been named all the same.
    let webhook_names: Vec<String> = webhooks.iter().flat_map(Section::names).map(|name| name.value).collect();
    let webhooks = webhooks::read(webhooks);
    let twilio = twilio::read(root.section("twilio"), environment);
    let slack = slack::read(&mut root, environment, draft.channels(), !draft.replaces_the_default());
    let policies = draft.fit(root.reading, &directory(&teams, webhook_names.iter()), regions.len(), &twilio);
    let alerts = alerts::read(root.section("alerts"), root.has("callbacks"), &policies);
    let heartbeats = heartbeats::read(root.section("heartbeats"), &policies);
    let settings = Settings {
        file: file.to_owned(),
        checks_dir,
        data_dir,
        listen,
        authentication,
        callbacks,
        alerts,
        heartbeats,
        heartbeat_out: heartbeat_out::read(root.section("heartbeat_out")),
        vars: vars::read_vars(root.section("vars")),
        secrets: vars::read_secrets(root.section("secrets")),
        regions,
        network: network::read(root.section("network")),
        control: control::read(root.section("control")),
        sandbox: sandbox::read(root.section("sandbox")),
        schedule: schedule::read(root.section("schedule")),
        delivery: delivery::read(root.section("delivery")),
        depends_on: depends_on::read(root.section("depends_on")),
        maintenance: maintenance::read(root.sections("maintenance")),
        metrics: metrics::read(root.section("metrics"), &statsd),
        rules: rules::read(root.section("rules")),
        statsd,
        slack,
        twilio,
        email: email::read(root.section("email")),
        webhooks,
        teams,
        policies,
    };
    root.finish();
    settings
}

fn checks_dir(root: &mut Section<'_>) -> PathBuf {
    let reading = root.reading;
    let is_written = root.has("checks");
    let written = root.string("checks");
    let name = written.as_ref().map_or(CHECKS, |text| text.value.as_str());
    let path = reading.path(name);
    // What is written and faulty has been reported.
    let faulty = is_written && written.is_none();
    if !faulty && !path.is_dir() {
        let at = written.as_ref().map_or(At { offset: 0, key: "checks".to_owned() }, |text| text.at.clone());
        reading.report(
            &at,
            format_args!("{} is no folder; write `checks = \"folder with *.check.ts files\"`", path.display()),
        );
    }
    path
}

/// An address that others can reach, without authentication, is refused.
fn closed_by_default(
    root: &Section<'_>,
    listen: Option<Placed<SocketAddr>>,
    authentication: Option<&Authentication>,
) -> SocketAddr {
    let Some(listen) = listen else { return LISTEN };
    if !listen.value.ip().is_loopback() && authentication.is_none() && !root.has("authentication") {
        root.reading.report(
            &listen.at,
            format_args!(
                "{} can be reached from other machines, and the pages would be open to all of them; write \"127.0.0.1:{}\", or add `[authentication]` with `user` and `password`",
                listen.value,
                listen.value.port()
            ),
        );
    }
    listen.value
}

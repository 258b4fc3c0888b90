//! `tocsin up`: everything in one process.
//!
//! `planner -> run in the sandbox -> alerting (decide, commit, deliver)`, and the pages and [`metrics`] beside it. The loop in
//! [`watch`] owns the planner and is the only one who starts runs; each run's result is offered to alerting until it
//! is durable. A signal ends it in order: no new runs, running ones end, notifications that are due leave, exit 0.
//! What does not fit into the bounds of that stays in the journal.

mod api;
mod attribution;
mod board;
mod callbacks;
mod caller;
mod channels;
mod exposition;
mod hearing;
mod heartbeat_out;
mod heartbeats;
mod log;
mod maintenance;
mod memory_file;
mod metrics;
mod notices;
mod numbers;
mod own_metrics;
mod queries;
mod ready;
mod remembered;
mod ruling;
mod server;
mod signals;
mod slack_channels;
mod status;
mod unloadable;
mod unread;
mod watch;

use crate::catalogue::{self, Catalogue};
use crate::cli::UpArguments;
use crate::config::Settings;
use crate::running::RunningFile;
use crate::sandboxing;
use alerting::Alerting;
use alerting::journal::{Journal, SqliteJournal, SqliteSettings};
use alerting::outbox::Folding;
use anyhow::Context;
use attribution::Attribution;
use board::Board;
use heartbeat_out::{Health, HeartbeatOut};
use metrics::Metrics;
use ruling::Ruling;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use watch::Watch;

/// The journal inside the data folder.
pub const JOURNAL_FILE: &str = "tocsin.db";

/// How long notifications may leave after the last run has ended.
const DELIVERY_DRAIN_MAX: Duration = Duration::from_secs(10);

pub async fn up(settings: Settings, arguments: &UpArguments) -> anyhow::Result<ExitCode> {
    log::start();
    let mut notices = notices::notices(&settings);
    let listener = server::bind(&settings).await?;
    let callbacks_listener = match &settings.callbacks {
        Some(settings) => Some(callbacks::bind(settings).await?),
        None => None,
    };
    let callbacks_address = callbacks_listener.as_ref().map(tokio::net::TcpListener::local_addr).transpose()?;
    let calls = Arc::new(callbacks::Tally::default());
    let journal = open_journal(&settings);
    let (sandbox, journal, looked_up) =
        tokio::join!(sandboxing::start_to_stay(&settings), journal, slack_channels::look_up(&settings));
    let (sandbox, journal) = (Arc::new(sandbox.context("the sandbox does not start")?), journal?);
    let looked_up = looked_up?;
    looked_up.remember(&settings.data_dir);
    notices.extend(looked_up.notices);
    // The journal's lock says that no other process writes these files.
    let recorder = metrics::open_recorder(&settings, &mut notices).await?;
    let (ear, heard) = hearing::ear();
    let metrics = Arc::new(Metrics::start(&settings, Arc::clone(&recorder), &ear, &mut notices)?);
    let catalogue = load(&settings, &sandbox).await?;
    // Before anything leaves the journal. Every later set of checks is held against the same.
    let misnamed = catalogue::misnamed(&settings, &catalogue.checks);
    if let Some(refusal) = catalogue::refusal(&misnamed, catalogue.refused.len()) {
        anyhow::bail!("{refusal}");
    }
    let channels::Ways { channels, printed } = channels::ways(&settings)?;
    let journal: Arc<dyn Journal> = journal;
    let alerting = Alerting::open(channels::alerting(&settings)?, channels, Arc::clone(&journal)).await?;
    let alerting = Arc::new(alerting);
    maintenance::follow(&settings, Arc::clone(&alerting)).await;
    let board = Arc::new(Board::new(&settings, notices, Arc::clone(&metrics)));
    board.remember(&alerting).await;
    let ruling = Ruling::start(&settings, Arc::clone(&recorder), Arc::clone(&alerting), listener.local_addr()?).await?;
    let attribution = Arc::new(Attribution::start(&settings)?);
    let mut watch = Watch::new(Arc::clone(&sandbox), attribution, Arc::clone(&alerting), Arc::clone(&board), &settings);
    watch.follow(&settings, catalogue).await?;
    alerting.remove_sources(&callbacks::sources_gone(&settings)).await?;

    let address = listener.local_addr()?;
    let source = Arc::new(status::Status::new(Arc::clone(&alerting), Arc::clone(&board), Arc::clone(&ruling), printed));
    let callers = heartbeats::Callers::start(&settings.heartbeats, Arc::clone(&journal), Arc::clone(&alerting)).await?;
    let heartbeat_out = match &settings.heartbeat_out {
        Some(settings) => {
            let (board, alerting, status) = (Arc::clone(&board), Arc::clone(&alerting), Arc::clone(&source));
            Some(HeartbeatOut::start(settings, Health { board, alerting, journal, status })?)
        }
        None => None,
    };
    source.show(heartbeat_out.clone());
    let pages = dashboards::router(source).merge(exposition::router(
        Arc::clone(&metrics),
        Arc::clone(&alerting),
        Arc::clone(&ruling),
        Arc::clone(&calls),
        (Arc::clone(&callers), heartbeat_out),
    ));
    let pages = pages.merge(queries::router(recorder, Arc::clone(&ruling), settings.rules.interval));
    let pages = pages.merge(api::router(Arc::clone(&alerting), Arc::clone(&board)));
    let beats = callbacks::heartbeats::router(Arc::clone(&callers), Arc::clone(&calls));
    let pages = pages.merge(callbacks::within_bounds(beats.clone(), &calls));
    let running = RunningFile::write(&settings.data_dir, address)?;
    let token = running.token.clone();
    let pages = tokio::spawn(server::serve(listener, pages, settings.authentication.clone(), token));
    if let Some(listener) = callbacks_listener {
        let routes = callbacks::of_people(&settings, &alerting, &calls).merge(beats);
        let routes = routes.merge(callbacks::alerts(&settings.alerts, &alerting, &calls)?);
        tokio::spawn(callbacks::serve(listener, callbacks::bounded(routes, &calls)));
    }
    tokio::spawn(hearing::listen(ear, heard, Arc::clone(&alerting)));
    let own_metrics =
        tokio::spawn(own_metrics::tell(Arc::downgrade(&metrics), Arc::clone(&alerting), Arc::clone(&sandbox)));
    board.announce(address);
    // Before anybody is told that it is ready: whoever is told may end it at once, and in order.
    let mut signals = signals::Signals::listen()?;
    if let Some(file) = &arguments.ready_file {
        ready::write(file, address, callbacks_address, metrics.addresses())?;
    }
    while watch.run_until(signals.next()).await == signals::Signal::Reload {
        reload(&settings, &sandbox, &mut watch).await;
        ruling.follow().await;
    }

    tracing::info!("stopping: runs that are under way may end; a second signal ends at once");
    let stop = async {
        ruling.stop().await;
        callers.stop().await;
        watch.drain().await;
        own_metrics.abort();
        let (left, ()) = tokio::join!(alerting.drain(DELIVERY_DRAIN_MAX), metrics.stop());
        if left > 0 {
            tracing::warn!(left, "notifications are left in the journal; the next start delivers them");
        }
        pages.abort();
        sandbox.shutdown().await;
    };
    tokio::select! {
        () = stop => tracing::info!("stopped"),
        signal = signals.next_stop() => tracing::warn!(?signal, "stopped at once; what was accepted is in the journal"),
    }
    Ok(ExitCode::SUCCESS)
}

async fn open_journal(settings: &Settings) -> anyhow::Result<Arc<SqliteJournal>> {
    let path = settings.data_dir.join(JOURNAL_FILE);
    let ms = |every: Duration| u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
    let (every_ms, post_ms) = (ms(settings.delivery.message_every), ms(settings.delivery.post_every));
    let gap_ms = Folding::default().gap_ms.min(every_ms.max(post_ms));
    let folding = Folding { every_ms, post_ms, gap_ms };
    let journal = SqliteSettings { folding, ..SqliteSettings::new(path) };
    let opened = tokio::task::spawn_blocking(move || SqliteJournal::open(journal)).await?;
    Ok(Arc::new(opened.context("the journal does not open")?))
}

async fn load(settings: &Settings, sandbox: &probes::sandbox::Sandbox) -> anyhow::Result<Catalogue> {
    let root = catalogue::project_root(settings);
    let files = catalogue::find(&settings.checks_dir)?;
    let absolute = |file: &std::path::PathBuf| file.canonicalize();
    let files = files.iter().map(absolute).collect::<Result<_, _>>().context("the checks cannot be read")?;
    Ok(catalogue::load(settings, Path::new(&root), files, sandbox).await)
}

/// The scripts as they are now; the configuration stays. What cannot be loaded leaves everything as it was.
async fn reload(settings: &Settings, sandbox: &probes::sandbox::Sandbox, watch: &mut Watch) {
    let followed = match load(settings, sandbox).await {
        Ok(catalogue) => watch.follow(settings, catalogue).await,
        Err(error) => Err(error),
    };
    match followed {
        Ok(()) => tracing::info!("the check scripts have been read again"),
        Err(error) => tracing::error!("the check scripts cannot be read again, and stay as they were: {error:#}"),
    }
}

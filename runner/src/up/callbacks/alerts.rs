//! Alerting systems that call in: verified and read by [`alerting::inbound`], and answered with 200 when what follows is
//! durable. What cannot be written down is answered with 503, after which each of them calls again.

use super::Tally;
use super::sns::Sns;
use crate::config::{AlertsSettings, Settings, TokenSource};
use alerting::Alerting;
use alerting::inbound::{self, Reader, Refusal};
use alerting::signal::{Signal, SignalSource};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use checks::UnixMs;
use std::sync::Arc;
use std::time::Duration;

pub(super) const CLOUDWATCH: &str = "alerts-cloudwatch";
/// Read only from those who have proved themselves: Alertmanager does not send again what was too large.
const BODY_BYTES_MAX: usize = 8 << 20;
/// SNS carries 256 KiB, escaped once more.
pub(super) const SNS_BODY_BYTES_MAX: usize = 1 << 20;
/// Within the time that a whole call has.
const DURABLE_WITHIN: Duration = Duration::from_secs(7);

/// What the alerts of all sources lead to.
#[derive(Clone)]
pub(super) struct Incidents {
    pub alerting: Arc<Alerting>,
    pub tally: Arc<Tally>,
}

/// A source that proves itself with a token.
struct Source {
    route: &'static str,
    settings: TokenSource,
    reader: Reader,
    incidents: Incidents,
}

/// A route for each source that is configured.
pub(in crate::up) fn router(
    settings: &AlertsSettings,
    alerting: &Arc<Alerting>,
    tally: &Arc<Tally>,
) -> anyhow::Result<Router> {
    let incidents = Incidents { alerting: Arc::clone(alerting), tally: Arc::clone(tally) };
    let sources: [(&str, &'static str, &Option<TokenSource>, Reader); 3] = [
        ("/alerts/alertmanager", "alerts-alertmanager", &settings.alertmanager, inbound::alertmanager::read),
        ("/alerts/pingdom", "alerts-pingdom", &settings.pingdom, inbound::pingdom::read),
        ("/alerts/new-relic", "alerts-new-relic", &settings.new_relic, inbound::new_relic::read),
    ];
    let mut router = Router::new();
    for (path, route, source, reader) in sources {
        let Some(source) = source else { continue };
        let source = Source { route, settings: source.clone(), reader, incidents: incidents.clone() };
        router = router.route(path, post(called).with_state(Arc::new(source)));
    }
    if let Some(source) = &settings.cloudwatch {
        let sns = Arc::new(Sns::new(source, incidents)?);
        router = router.route("/alerts/cloudwatch", post(Sns::called).with_state(sns));
    }
    Ok(router)
}

/// The sources that nothing is heard from: an incident that one of them opened would never end.
pub(in crate::up) fn sources_gone(settings: &Settings) -> Vec<SignalSource> {
    let AlertsSettings { alertmanager, pingdom, new_relic, cloudwatch } = &settings.alerts;
    let sources = [
        (SignalSource::Alertmanager, alertmanager.is_some()),
        (SignalSource::Pingdom, pingdom.is_some()),
        (SignalSource::NewRelic, new_relic.is_some()),
        (SignalSource::CloudWatch, cloudwatch.is_some()),
        (SignalSource::Event, settings.statsd.enabled),
        (SignalSource::ServiceCheck, settings.statsd.enabled),
    ];
    sources.into_iter().filter(|(_, is_there)| !is_there).map(|(source, _)| source).collect()
}

async fn called(State(source): State<Arc<Source>>, request: Request) -> Response {
    let Source { route, settings, reader, incidents } = source.as_ref();
    let (head, body) = request.into_parts();
    let authorization = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if !inbound::token::is_given(settings.token.expose(), authorization, head.uri.query()) {
        return incidents.tally.refuse(route, "token", StatusCode::UNAUTHORIZED);
    }
    let body = match read_body(body, BODY_BYTES_MAX).await {
        Ok(body) => body,
        Err(reason) => return incidents.tally.refuse(route, reason, StatusCode::PAYLOAD_TOO_LARGE),
    };
    match reader(&body, &settings.defaults, UnixMs::now()) {
        Ok(signals) => incidents.tell(route, signals).await,
        Err(refusal) => incidents.refuse(route, &refusal),
    }
}

pub(super) async fn read_body(body: Body, bytes_max: usize) -> Result<Bytes, &'static str> {
    axum::body::to_bytes(body, bytes_max).await.map_err(|_| "too-large-or-broken-off")
}

impl Incidents {
    pub(super) fn refuse(&self, route: &'static str, refusal: &Refusal) -> Response {
        tracing::warn!(route, detail = ?refusal.to_string(), "what was wrong with it");
        self.tally.refuse(route, refusal.reason(), StatusCode::BAD_REQUEST)
    }

    /// Answers when the journal has what follows.
    pub(super) async fn tell(&self, route: &'static str, signals: Vec<Signal>) -> Response {
        match tokio::time::timeout(DURABLE_WITHIN, self.alerting.signal(signals)).await {
            Ok(Ok(_)) => {
                self.tally.take(route);
                StatusCode::OK.into_response()
            }
            Ok(Err(error)) => {
                tracing::error!(route, %error, "alerts cannot be written down; their sender is asked to send them again");
                self.tally.refuse(route, "not-durable", StatusCode::SERVICE_UNAVAILABLE)
            }
            Err(_) => self.tally.refuse(route, "not-durable-in-time", StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

//! What SNS sends for CloudWatch. Everything that a message says is decided in [`alerting::inbound::sns`]; this fetches the
//! certificate, and the page that confirms a subscription.

use super::alerts::{CLOUDWATCH, Incidents, SNS_BODY_BYTES_MAX, read_body};
use crate::config::{CloudWatchSource, Topic};
use alerting::inbound::sns::{Envelope, PEM_BYTES_MAX, SigningCertificate, TopicArn};
use alerting::inbound::{Refusal, cloudwatch};
use anyhow::Context as _;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use checks::UnixMs;
use reqwest::redirect::Policy;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::Url;

/// For each of the two requests that a message may lead to.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// SNS changes its certificate about once a year.
const CERTIFICATES_MAX: usize = 32;

pub(super) struct Sns {
    topics: Vec<Topic>,
    arns: Vec<TopicArn>,
    double: Option<Url>,
    client: reqwest::Client,
    certificates: Mutex<BTreeMap<Url, SigningCertificate>>,
    incidents: Incidents,
}

/// Why a message has no effect: its own fault, or that SNS cannot be asked now.
enum Problem {
    Refused(Refusal),
    Unreachable(anyhow::Error),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Sns {
    pub(super) fn new(source: &CloudWatchSource, incidents: Incidents) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(REQUEST_TIMEOUT)
            .build()
            .context("no client to ask SNS with")?;
        Ok(Self {
            arns: source.topics.iter().map(|topic| topic.arn.clone()).collect(),
            topics: source.topics.clone(),
            double: source.api_url.clone(),
            client,
            certificates: Mutex::default(),
            incidents,
        })
    }

    pub(super) async fn called(State(sns): State<Arc<Self>>, request: Request) -> Response {
        let tally = &sns.incidents.tally;
        let body = match read_body(request.into_body(), SNS_BODY_BYTES_MAX).await {
            Ok(body) => body,
            Err(reason) => return tally.refuse(CLOUDWATCH, reason, StatusCode::PAYLOAD_TOO_LARGE),
        };
        match sns.signal(&body).await {
            Ok(signal) => sns.incidents.tell(CLOUDWATCH, vec![signal]).await,
            Err(Problem::Refused(refusal)) => sns.incidents.refuse(CLOUDWATCH, &refusal),
            Err(Problem::Unreachable(error)) => {
                tracing::error!("SNS cannot be asked; it is asked to send again: {error:#}");
                tally.refuse(CLOUDWATCH, "sns-unreachable", StatusCode::SERVICE_UNAVAILABLE)
            }
        }
    }

    async fn signal(&self, body: &[u8]) -> Result<alerting::signal::Signal, Problem> {
        let now = UnixMs::now();
        let envelope = Envelope::read(body)?;
        let url = envelope.certificate_url(&self.arns, self.double.as_ref(), now)?;
        let certificate = self.certificate(url, now).await?;
        let verified = envelope.verified(&self.arns, self.double.as_ref(), &certificate, now)?;
        let topic = self.topics.iter().find(|topic| topic.arn == verified.topic);
        let topic = topic.ok_or_else(|| Refusal::Topic(verified.topic.as_str().to_owned()))?;
        let signal = cloudwatch::read(&verified, &topic.defaults)?;
        if let Some(url) = &verified.subscribe_url {
            self.ask(url, Refusal::Confirmation).await?;
            tracing::info!(topic = verified.topic.as_str(), "the subscription is confirmed");
        }
        Ok(signal)
    }

    /// The certificate of that address, once fetched and still valid or fetched now.
    async fn certificate(&self, url: Url, now: UnixMs) -> Result<SigningCertificate, Problem> {
        if let Some(known) = self.known().get(&url).filter(|known| known.is_valid_at(now).is_ok()) {
            return Ok(known.clone());
        }
        let pem = self.ask(&url, Refusal::Certificate).await?;
        let certificate = SigningCertificate::read(&pem, now)?;
        let mut known = self.known();
        if known.len() >= CERTIFICATES_MAX {
            known.clear();
        }
        known.insert(url, certificate.clone());
        Ok(certificate)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<Url, SigningCertificate>> {
        self.certificates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// GET, and the body of what is answered with 200. What SNS does not have, or does not take, the message made up.
    async fn ask(&self, url: &Url, refused: fn(String) -> Refusal) -> Result<Vec<u8>, Problem> {
        let answer = self.client.get(url.clone()).send().await;
        // The address of a confirmation holds a token.
        let mut answer = answer.map_err(|error| Problem::Unreachable(error.without_url().into()))?;
        let status = answer.status();
        if status.is_client_error() {
            return Err(refused(format!("SNS answered with {status}")).into());
        }
        if status != reqwest::StatusCode::OK {
            return Err(Problem::Unreachable(anyhow::anyhow!("SNS answered with {status}")));
        }
        let mut body = Vec::new();
        while let Some(chunk) =
            answer.chunk().await.map_err(|error| Problem::Unreachable(error.without_url().into()))?
        {
            if body.len() + chunk.len() > PEM_BYTES_MAX {
                return Err(refused(format!("SNS answered with more than {PEM_BYTES_MAX} bytes")).into());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

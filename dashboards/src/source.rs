use crate::model::{CheckDetail, IncidentDetail, MetricProblems, Overview};
use checks::CheckId;
use std::future::Future;

/// The facts cannot be had just now; the page says so.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);

/// Whoever knows the state of the watch. Every answer is a snapshot.
pub trait StatusSource: Send + Sync + 'static {
    fn overview(&self) -> impl Future<Output = Result<Overview, SourceError>> + Send;

    /// `None` where no such check is configured.
    fn check(&self, id: &CheckId) -> impl Future<Output = Result<Option<CheckDetail>, SourceError>> + Send;

    /// `None` where there never was such an incident.
    fn incident(&self, number: u64) -> impl Future<Output = Result<Option<IncidentDetail>, SourceError>> + Send;

    fn metric_problems(&self) -> impl Future<Output = Result<MetricProblems, SourceError>> + Send;
}

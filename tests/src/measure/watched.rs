use alerting::Watched;
use checks::{CheckDefinition, CheckId, Reach, Region, ScriptSource};

/// A check as alerting is told of it, with nothing in it that a decision depends on.
pub fn watched(id: CheckId, regions: Vec<Region>) -> Watched {
    let script = ScriptSource { path: format!("{id}.check.js"), hash: String::new() };
    let definition = CheckDefinition {
        id,
        description: String::new(),
        schedule: "every 30s".to_owned(),
        time_zone: None,
        timeout_ms: 10_000,
        regions: Vec::new(),
        tags: Vec::new(),
        secrets: Vec::new(),
        reach: Reach::default(),
        policy: None,
        depends_on: Vec::new(),
        runbook_url: None,
        script,
    };
    Watched { definition, regions }
}

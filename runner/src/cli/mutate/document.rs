//! `--json`: everything that was tried, for programs.

use super::trial::{Judged, Proof, Stale, Trial, Verdict};
use probes::mutation::Family;
use serde_json::{Value, json};

pub fn document(trials: &[Trial<'_>], proofs: &[Result<Proof, Stale>], problems: &[String]) -> Value {
    let checks: Vec<Value> = trials.iter().zip(proofs).map(|(trial, proof)| check(trial, proof)).collect();
    json!({ "format": 1, "checks": checks, "problems": problems })
}

fn check(trial: &Trial<'_>, proof: &Result<Proof, Stale>) -> Value {
    let recording = &trial.recording;
    let mut check = json!({
        "check": recording.check,
        "region": recording.region,
        "file": trial.check.bundle.path,
        "recording": trial.file,
        "recorded_at": recording.started_at,
    });
    let more = match proof {
        Err(Stale { reason }) => json!({ "stale": reason }),
        Ok(proof) => json!({
            "faults": proof.judged.len(),
            "untried": proof.untried,
            "noticed": proof.noticed(true).0,
            "as_own_bug": proof.own_bugs(),
            "score": proof.score(false),
            "strict_score": proof.score(true),
            "tried": proof.judged.iter().map(|judged| tried(trial, judged)).collect::<Vec<_>>(),
        }),
    };
    if let (Value::Object(check), Value::Object(more)) = (&mut check, more) {
        check.extend(more);
    }
    check
}

fn tried(trial: &Trial<'_>, Judged { fault, verdict }: &Judged) -> Value {
    let exchange = &trial.recording.exchanges[fault.exchange];
    let (verdict, why) = match verdict {
        Verdict::Noticed { class, message } => ("noticed", Some(format!("{}: {message}", class.as_str()))),
        Verdict::AsOwnBug { message } => ("as-own-bug", Some(message.clone())),
        Verdict::NotNoticed => ("not-noticed", None),
    };
    let family: Family = fault.family();
    let mut tried = json!({
        "exchange": fault.exchange + 1,
        "method": exchange.request.method,
        "url": super::report::place(&exchange.request.url),
        "step": exchange.step,
        "family": family,
        "change": fault.change.to_string(),
        "fault": fault.change,
        "is_detail": fault.is_detail(),
        "verdict": verdict,
    });
    if let Value::Object(tried) = &mut tried {
        match why {
            Some(why) => tried.insert("why".to_owned(), why.into()),
            None => tried.insert("how_to_notice".to_owned(), fault.hint(exchange).into()),
        };
    }
    tried
}

//! The wire format, version 1: one JSON object, `{"v":1,"run_result":{...}}`.
//!
//! A reader accepts every version up to its own and ignores members that it does not know, so probers and hubs
//! can be upgraded in any order. `checks/golden/` holds messages of every version ever released; later readers
//! must still read them.

use crate::RunResult;
use serde::{Deserialize, Serialize};

/// The version this build writes.
pub const VERSION: u32 = 1;

/// A message larger than this is refused before it is parsed.
pub const MESSAGE_BYTES_MAX: usize = 4 << 20;

#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("message of {bytes} bytes; the limit is {MESSAGE_BYTES_MAX}")]
    TooLarge { bytes: usize },
    #[error("message of wire version {found}, and this build reads up to {VERSION}: upgrade it")]
    Version { found: u32 },
    #[error("malformed message: {0}")]
    Malformed(#[from] serde_json::Error),
}

#[derive(Serialize)]
struct Outgoing<'a> {
    v: u32,
    run_result: &'a RunResult,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

#[derive(Deserialize)]
struct Incoming {
    run_result: RunResult,
}

pub fn encode(result: &RunResult) -> Vec<u8> {
    serde_json::to_vec(&Outgoing { v: VERSION, run_result: result })
        .expect("a run result has string keys only, and writing to memory cannot fail")
}

pub fn decode(message: &[u8]) -> Result<RunResult, WireError> {
    if message.len() > MESSAGE_BYTES_MAX {
        return Err(WireError::TooLarge { bytes: message.len() });
    }
    let Version { v } = serde_json::from_slice(message)?;
    if v > VERSION {
        return Err(WireError::Version { found: v });
    }
    let Incoming { run_result } = serde_json::from_slice(message)?;
    Ok(run_result)
}

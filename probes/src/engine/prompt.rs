//! The operations of `prompt.js`, over a connection that the broker hands to the run.
//!
//! Frames have their length (32 bits, big-endian) in front. In come lines as text, out go answers as JSON.
#![allow(unsafe_code, reason = "the op2 macro writes the engine's calling convention out in full")]

use super::ops::RunState;
use super::record::clip;
use deno_core::{OpState, op2};
use deno_error::JsErrorBox;
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::{Mutex, mpsc};

/// What one answer shows at most.
const ANSWER_BYTES_MAX: usize = 64 << 10;
const LINE_BYTES_MAX: u32 = 1 << 20;

/// Answers that wait to be sent; past it they are dropped, and the next one says how many.
const ANSWERS_WAITING_MAX: usize = 1_000;

/// In the op state of a run that has a prompt.
pub(crate) struct Prompt {
    lines: Rc<Mutex<OwnedReadHalf>>,
    answers: mpsc::Sender<Vec<u8>>,
    dropped: u64,
}

impl Prompt {
    /// Must be called on the run's event loop.
    pub fn on(connection: TcpStream) -> Self {
        let (lines, mut out) = connection.into_split();
        let (answers, mut waiting) = mpsc::channel::<Vec<u8>>(ANSWERS_WAITING_MAX);
        deno_core::unsync::spawn(async move {
            while let Some(frame) = waiting.recv().await {
                // Nobody is there any more, and the run is about to end.
                if out.write_all(&frame).await.is_err() {
                    break;
                }
            }
        });
        Self { lines: Rc::new(Mutex::new(lines)), answers, dropped: 0 }
    }
}

/// The next line; empty where no more comes.
#[op2]
#[string]
pub(super) async fn op_prompt_next(state: Rc<RefCell<OpState>>) -> Result<String, JsErrorBox> {
    let lines = state.borrow().try_borrow::<Prompt>().map(|prompt| Rc::clone(&prompt.lines));
    let Some(lines) = lines else { return Err(JsErrorBox::type_error("this run has no prompt")) };
    let mut lines = lines.lock().await;
    Ok(frame(&mut lines).await.unwrap_or_default())
}

async fn frame(lines: &mut OwnedReadHalf) -> io::Result<String> {
    let length = lines.read_u32().await?;
    if length > LINE_BYTES_MAX {
        return Err(io::Error::other("a line of more than 1 MiB"));
    }
    let mut text = vec![0; length as usize];
    lines.read_exact(&mut text).await?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Tells the one at the prompt something, without the values of secrets.
#[op2(fast)]
pub(super) fn op_prompt_say(state: &mut OpState, #[string] kind: &str, #[string] text: &str) {
    let redacted = match state.try_borrow::<RunState>() {
        Some(run) => run.record.borrow().redactor.redact(text),
        None => return,
    };
    let Some(prompt) = state.try_borrow_mut::<Prompt>() else { return };
    let mut text = clip(&redacted, ANSWER_BYTES_MAX);
    if prompt.dropped > 0 {
        text = format!("({} lines were dropped here)\n{text}", prompt.dropped);
    }
    let answer = serde_json::json!({ "kind": kind, "text": text }).to_string();
    let mut frame = u32::try_from(answer.len()).unwrap_or(0).to_be_bytes().to_vec();
    frame.extend_from_slice(answer.as_bytes());
    match prompt.answers.try_send(frame) {
        Ok(()) => prompt.dropped = 0,
        Err(_) => prompt.dropped += 1,
    }
}

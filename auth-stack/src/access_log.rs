//! The access log: one line for each request, in nginx's `combined` format with three more fields.
//!
//! ```text
//! $remote_addr - - [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" \
//!     rt=$request_time node=$node component=$component
//! ```
//!
//! A client that left before it was answered has status 499, as in nginx. Times are in UTC; `rt` is in seconds with
//! milliseconds, until the last byte of the body was handed over. Query values are replaced by `***` unless they are
//! known to be harmless: codes, states and hints do not belong in a log. A thread writes the file, so that a slow
//! disk delays no request; lines that do not fit in its queue are dropped and counted. The file is bounded: at
//! [`FILE_BYTES_MAX`] it is renamed to `.1`, over the one before.

use crate::component::Component;
use chrono::DateTime;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

const QUEUE_LINES_MAX: usize = 4_096;
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
const FIELD_BYTES_MAX: usize = 1_024;

/// Query parameters whose values are shown.
const HARMLESS: [&str; 9] = [
    "client_id",
    "response_type",
    "redirect_uri",
    "scope",
    "audience",
    "prompt",
    "code_challenge_method",
    "error",
    "returnTo",
];

/// What is known of a request when its last byte has gone.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub remote: IpAddr,
    pub at_ms: i64,
    pub method: String,
    /// Path and query as they were asked for.
    pub target: String,
    pub version: &'static str,
    pub status: u16,
    pub body_bytes: u64,
    pub referer: Option<String>,
    pub user_agent: Option<String>,
    pub took: Duration,
    pub node: String,
    pub component: Component,
}

/// Writes what nginx would write in place of bytes that would break the line or its quotes.
fn escape(text: &str, line: &mut String) {
    let mut written = 0;
    for character in text.chars() {
        if written >= FIELD_BYTES_MAX {
            line.push('…');
            return;
        }
        written += character.len_utf8();
        match character {
            '"' | '\\' => {
                let _ = write!(line, "\\x{:02X}", u32::from(character));
            }
            character if character.is_control() => {
                for byte in character.to_string().bytes() {
                    let _ = write!(line, "\\x{byte:02X}");
                }
            }
            character => line.push(character),
        }
    }
}

/// The target with the values of its query hidden, except harmless ones.
fn redact(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let shown = query.split('&').map(|pair| match pair.split_once('=') {
        Some((key, _)) if !HARMLESS.contains(&key) => format!("{key}=***"),
        // A bare word may be a secret as well as a flag.
        None if !pair.is_empty() => "***".to_owned(),
        _ => pair.to_owned(),
    });
    format!("{path}?{}", shown.collect::<Vec<_>>().join("&"))
}

pub(crate) fn line(entry: &Entry) -> String {
    let mut line = format!("{} - - [", entry.remote);
    let at = DateTime::from_timestamp_millis(entry.at_ms).unwrap_or_default();
    let _ = write!(line, "{}] \"{} ", at.format("%d/%b/%Y:%H:%M:%S +0000"), entry.method);
    escape(&redact(&entry.target), &mut line);
    let _ = write!(line, " {}\" {} {} \"", entry.version, entry.status, entry.body_bytes);
    escape(&entry.referer.as_deref().map_or_else(|| "-".to_owned(), redact), &mut line);
    line.push_str("\" \"");
    escape(entry.user_agent.as_deref().unwrap_or("-"), &mut line);
    let _ = writeln!(line, "\" rt={:.3} node={} component={}", entry.took.as_secs_f64(), entry.node, entry.component);
    line
}

#[derive(Debug, thiserror::Error)]
#[error("cannot open the access log {path}: {source}; give a file in a folder that exists and can be written")]
pub struct AccessLogError {
    pub path: PathBuf,
    pub source: std::io::Error,
}

#[derive(Default)]
pub(crate) struct AccessLog {
    /// Absent: no log was asked for, or it is closed.
    writer: Mutex<Option<(SyncSender<String>, JoinHandle<()>)>>,
    dropped: Arc<AtomicU64>,
}

impl AccessLog {
    pub fn open(path: Option<&Path>) -> Result<AccessLog, AccessLogError> {
        let Some(path) = path else { return Ok(AccessLog::default()) };
        let failed = |source| AccessLogError { path: path.to_owned(), source };
        let file = LogFile::open(path).map_err(failed)?;
        let (sender, receiver) = sync_channel(QUEUE_LINES_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&dropped);
        let thread = std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || write_lines(file, &receiver, &counter))
            .map_err(failed)?;
        Ok(AccessLog { writer: Mutex::new(Some((sender, thread))), dropped })
    }

    pub fn record(&self, entry: &Entry) {
        if let Some((sender, _)) = &*self.writer.lock().unwrap_or_else(PoisonError::into_inner)
            && sender.try_send(line(entry)).is_err()
        {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Writes what is queued and closes the file. Blocks for as long as that takes.
    pub fn close(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((sender, thread)) = writer {
            drop(sender);
            // The thread does not panic; if it did, its lines are lost and nothing else is.
            let _ = thread.join();
        }
    }
}

struct LogFile {
    path: PathBuf,
    writer: BufWriter<File>,
    bytes: u64,
}

impl LogFile {
    fn open(path: &Path) -> std::io::Result<LogFile> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let bytes = file.metadata()?.len();
        Ok(LogFile { path: path.to_owned(), writer: BufWriter::new(file), bytes })
    }

    fn write(&mut self, line: &str) -> std::io::Result<()> {
        if self.bytes + line.len() as u64 > FILE_BYTES_MAX {
            self.writer.flush()?;
            let mut previous = self.path.clone().into_os_string();
            previous.push(".1");
            std::fs::rename(&self.path, previous)?;
            *self = LogFile::open(&self.path.clone())?;
        }
        self.bytes += line.len() as u64;
        self.writer.write_all(line.as_bytes())
    }
}

fn write_lines(mut file: LogFile, lines: &Receiver<String>, dropped: &AtomicU64) {
    let write = |file: &mut LogFile, line: &str| {
        if file.write(line).is_err() {
            dropped.fetch_add(1, Ordering::Relaxed);
        }
    };
    while let Ok(line) = lines.recv() {
        write(&mut file, &line);
        // Lines that wait are written together; when none waits, the file is brought up to date.
        while let Ok(line) = lines.try_recv() {
            write(&mut file, &line);
        }
        if file.writer.flush().is_err() {
            dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(target: &str, referer: Option<&str>, user_agent: Option<&str>) -> Entry {
        Entry {
            remote: "127.0.0.1".parse().expect("an address"),
            at_ms: 1_764_000_000_123,
            method: "GET".to_owned(),
            target: target.to_owned(),
            version: "HTTP/2.0",
            status: 302,
            body_bytes: 17,
            referer: referer.map(str::to_owned),
            user_agent: user_agent.map(str::to_owned),
            took: Duration::from_micros(4_600),
            node: "eu-west-1".to_owned(),
            component: Component::Callback,
        }
    }

    #[test]
    fn lines_are_combined_with_more() {
        let long = "a".repeat(2 * FIELD_BYTES_MAX);
        for (entry, middle) in [
            (
                entry("/callback?code=SECRET&state=SECRET&client_id=spa", Some("https://a.test/?token=SECRET"), None),
                r#""GET /callback?code=***&state=***&client_id=spa HTTP/2.0" 302 17 "https://a.test/?token=***" "-""#,
            ),
            (
                entry("/test", None, Some("curl/8 \"x\\\"\n\u{85}")),
                r#""GET /test HTTP/2.0" 302 17 "-" "curl/8 \x22x\x5C\x22\x0A\xC2\x85""#,
            ),
            (entry("/?SECRET", None, None), r#""GET /?*** HTTP/2.0" 302 17 "-" "-""#),
            (
                entry("/", None, Some(&long)),
                &format!(r#""GET / HTTP/2.0" 302 17 "-" "{}…""#, "a".repeat(FIELD_BYTES_MAX)),
            ),
        ] {
            let expected = format!(
                "127.0.0.1 - - [24/Nov/2025:16:00:00 +0000] {middle} rt=0.005 node=eu-west-1 component=callback\n"
            );
            assert_eq!(line(&entry), expected);
        }
    }

    #[test]
    fn closing_writes_all_that_was_recorded() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join("access.log");
        let log = AccessLog::open(Some(&path)).expect("a log");
        for _ in 0..100 {
            log.record(&entry("/test", None, None));
        }
        log.close();
        assert_eq!(std::fs::read_to_string(&path).expect("the file").lines().count(), 100);
        assert_eq!(log.dropped(), 0);
    }

    #[test]
    fn a_folder_that_does_not_exist_is_refused_with_its_name() {
        let error = AccessLog::open(Some(Path::new("/nowhere/access.log"))).err().expect("a refusal").to_string();
        assert!(error.contains("/nowhere/access.log"), "{error}");
    }

    #[test]
    fn a_full_file_is_renamed() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join("access.log");
        let mut file = LogFile::open(&path).expect("a log file");
        file.write("first\n").expect("a written line");
        file.bytes = FILE_BYTES_MAX;
        file.write("second\n").expect("a written line");
        file.writer.flush().expect("a flushed file");
        assert_eq!(std::fs::read_to_string(folder.path().join("access.log.1")).expect("the file"), "first\n");
        assert_eq!(std::fs::read_to_string(&path).expect("the file"), "second\n");
    }
}

//! The `curl` command that a failure shows, run by a shell with the real curl: what arrives is what the run had sent.

use crate::project::Project;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, PoisonError};
use tests::harness::{Config, Tocsin};
use tests::say_skipped;
use tokio::net::TcpListener;

/// What a run redacted, as a person would fill it in.
const VARIABLES: [(&str, &str); 5] = [
    ("TOKEN", "token-123"),
    ("COOKIE", "crumb"),
    ("PASSWORD", "it's $a \"pass\\word\""),
    ("LOGIN_PASSWORD", "correct-horse-battery-staple"),
    ("CODE", "code-123"),
];

/// Requests that are hard on a shell, on curl or on a terminal: a name and what the script does. `at` makes a URL of the
/// recorder's.
const CASES: [(&str, &str); 42] = [
    ("plain", r#"fetch(at("/x"))"#),
    ("brackets", r#"fetch(at("/x?filter[a]=1&list={1,2}&range=[1-3]&{}"))"#),
    ("quotes", r#"fetch(at("/it's?q=\"a\"&$HOME&`id`=1!x\\y;z&&w|v>u"))"#),
    ("percent", r#"fetch(at("/100%25/%2fa%0ab?%00"))"#),
    ("unicode", r#"fetch(at("/grüße?q=日本&\u202e"))"#),
    ("fragment", r#"fetch(at("/x?a=1#part"))"#),
    ("code", r#"fetch(at("/x?a[]=1&code=code-123"))"#),
    ("header", r#"fetch(at("/x"), { headers: { "x-a": "it's \"$HOME\" `id` \\ !x ;" } })"#),
    ("header-empty", r#"fetch(at("/x"), { headers: { "x-empty": "" } })"#),
    ("header-at", r#"fetch(at("/x"), { headers: { "x-a": "@/etc/hostname" } })"#),
    ("header-tab", r#"fetch(at("/x"), { headers: { "x-a": "a\tb" } })"#),
    ("agent", r#"fetch(at("/x"), { headers: { "user-agent": "mine/1.0" } })"#),
    ("accept", r#"fetch(at("/x"), { headers: { accept: "application/json", "accept-language": "de" } })"#),
    ("identity", r#"fetch(at("/x"), { headers: { "accept-encoding": "identity" } })"#),
    ("range", r#"fetch(at("/x"), { headers: { range: "bytes=0-3" } })"#),
    ("bearer", r#"fetch(at("/x"), { headers: { authorization: "Bearer token-123" } })"#),
    ("basic", r#"fetch(at("/x"), { headers: { authorization: "Basic " + btoa("ada:it's $a \"pass\\word\"") } })"#),
    ("odd-basic", r#"fetch(at("/x"), { headers: { authorization: "Basic token-123" } })"#),
    ("cookies", r#"fetch(at("/x"), { headers: { cookie: "a=crumb; b=crumb" } })"#),
    ("head", r#"fetch(at("/x?a=[1]"), { method: "HEAD" })"#),
    ("options", r#"fetch(at("/x"), { method: "OPTIONS" })"#),
    ("delete", r#"fetch(at("/x"), { method: "DELETE" })"#),
    ("custom", r#"fetch(at("/x"), { method: "PURGE" })"#),
    ("post-nothing", r#"fetch(at("/x"), { method: "POST" })"#),
    ("put-nothing", r#"fetch(at("/x"), { method: "PUT", headers: { "content-type": "application/json" } })"#),
    ("json", r#"post({ json: 1, "it's": "$HOME `id` \"q\" \\ !", n: null })"#),
    ("patch", r#"fetch(at("/x"), { method: "PATCH", body: "[]", headers: { "content-type": "application/json" } })"#),
    ("secret", r#"post({ password: secrets.LOGIN_PASSWORD, note: "it's !\n" })"#),
    ("at", r#"fetch(at("/x"), { method: "POST", body: "@/etc/hostname" })"#),
    ("lines", r#"fetch(at("/x"), { method: "POST", body: "a\n  b\r\n\tc\\\n\n" })"#),
    ("control", r#"fetch(at("/x"), { method: "POST", body: "\u0001\u001b[2J\u009b\u202e\u{1f514}\u007f" })"#),
    ("form", r#"post(new URLSearchParams({ a: "1 2", "b&c": "=ü+%", d: "@x", e: "", f: "two\nlines" }))"#),
    ("form-secret", r#"post(new URLSearchParams({ user: "ada", password: secrets.LOGIN_PASSWORD }))"#),
    ("form-odd", r#"post("a&b=&&c=%FF&=d&@e", "application/x-www-form-urlencoded")"#),
    ("form-at", r#"post("@/etc/hostname", "application/x-www-form-urlencoded")"#),
    (
        "parts",
        r#"post("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n", "multipart/form-data; boundary=b")"#,
    ),
    ("multipart", r#"fetch(at("/x"), { method: "POST", body: multipart() })"#),
    ("binary", r#"fetch(at("/x"), { method: "POST", body: new Uint8Array([0, 1, 255, 10, 39, 92, 48]) })"#),
    ("bytes", r#"fetch(at("/x"), { method: "POST", body: new Uint8Array([255, 254, 39, 92, 33, 64]) })"#),
    ("untyped", r#"fetch(at("/x"), { method: "POST", body: new Blob(["a=1"]) })"#),
    ("streamed", r#"fetch(at("/x"), { method: "POST", body: new Blob(["a piece"]).stream(), duplex: "half" })"#),
    ("redirect", r#"fetch(at("/redirect"), { method: "POST", body: "kept", headers: { "x-a": "1" } })"#),
];

/// What is sent as a stream is not kept: the command says so.
const NOT_KEPT: [&str; 3] = ["multipart", "untyped", "streamed"];

/// A check that makes the request, and fails whatever is answered.
fn script(name: &str, act: &str) -> String {
    let helpers = r#"
    const at = (path) => vars.RECORDER + "/NAME" + path;
    const post = (body, kind = body instanceof URLSearchParams ? undefined : "application/json") => {
      const sent = typeof body === "string" || body instanceof URLSearchParams ? body : JSON.stringify(body);
      return fetch(at("/x"), { method: "POST", body: sent, headers: kind === undefined ? {} : { "content-type": kind } });
    };
    const multipart = () => {
      const form = new FormData();
      form.append("a", "it's\n1");
      form.append("file", new Blob(["content"], { type: "text/plain" }), "a \"b\".txt");
      return form;
    };"#;
    let head = "import { defineCheck, expect } from \"tocsin\";\nexport default defineCheck({";
    let run = format!("async run({{ vars, secrets }}) {{{}\n    expect(await {act}).toBeOk();\n  }},", helpers);
    let text = format!("{head}\n  schedule: \"every 30s\",\n  secrets: [\"LOGIN_PASSWORD\"],\n  {run}\n}});\n");
    text.replace("NAME", name)
}

/// One request as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Arrived {
    method: String,
    target: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Arrived {
    /// Without what two clients may well say differently.
    fn comparable(mut self) -> Self {
        for own in ["content-length", "transfer-encoding", "connection"] {
            self.headers.remove(own);
        }
        for (name, usual) in [("accept-language", "*"), ("accept-encoding", "gzip, deflate, br, zstd")] {
            self.headers.retain(|key, value| key != name || value != usual);
        }
        self.headers.retain(|key, value| key != "user-agent" || !value.starts_with("tocsin/"));
        let form = "application/x-www-form-urlencoded";
        if self.headers.get("content-type").is_some_and(|kind| kind.starts_with(form)) {
            self.headers.insert("content-type".to_owned(), form.to_owned());
            // One field, encoded in another way, is the same field.
            if std::str::from_utf8(&self.body).is_ok_and(|body| !body.contains("%FF")) {
                let fields = url::form_urlencoded::parse(&self.body).into_owned();
                self.body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into();
            }
        }
        self
    }

    /// What curl says where it was told to say nothing.
    fn without(mut self, other: &Self) -> Self {
        self.headers.retain(|name, _| {
            !["accept-encoding", "user-agent"].contains(&name.as_str()) || other.headers.contains_key(name)
        });
        self
    }
}

/// Keeps what it is asked, and is not well: 503 is its answer to all but `/redirect`.
async fn recorder() -> (SocketAddr, Arc<Mutex<Vec<Arrived>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port of this machine is free");
    let address = listener.local_addr().expect("a listener has an address");
    let arrived = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&arrived);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = Arc::clone(&kept);
            tokio::spawn(async move {
                let service = service_fn(|request| answer(request, Arc::clone(&kept)));
                // A client that hangs up is its own business.
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (address, arrived)
}

async fn answer(
    request: Request<Incoming>,
    kept: Arc<Mutex<Vec<Arrived>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let target = head.uri.to_string();
    let to = target.strip_suffix("/redirect").map(|start| format!("{start}/x"));
    let headers = head.headers.iter().map(header).collect();
    let arrived = Arrived { method: head.method.to_string(), target, headers, body };
    kept.lock().unwrap_or_else(PoisonError::into_inner).push(arrived);
    let response = match to {
        Some(to) => Response::builder().status(307).header("location", to),
        None => Response::builder().status(503),
    };
    Ok(response.body(Full::new(Bytes::from_static(b"not well"))).expect("a response"))
}

/// The command in what is shown of a check that failed.
fn command(shown: &str, check: &str) -> String {
    let start = shown.find(&format!("✗ {check}  ")).unwrap_or_else(|| panic!("{check} failed:\n{shown}"));
    let lines = shown[start..].lines().skip_while(|line| line.trim() != "repeat it with").skip(1);
    let command: Vec<&str> = lines.take_while(|line| !line.trim().is_empty()).collect();
    assert!(command.first().is_some_and(|line| line.trim().starts_with("curl ")), "{check}:\n{}", &shown[start..]);
    command.join("\n")
}

/// As a person would, in a folder with nothing in it, and with a home without settings of curl.
fn shell(command: &str, folder: &Path) -> std::io::Result<Output> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut bash = Command::new("bash");
    bash.arg("-c").arg(command).current_dir(folder).env_clear().env("PATH", path).env("HOME", folder);
    bash.envs(VARIABLES).output()
}

fn has_curl() -> bool {
    let found = ["bash", "curl"].map(|program| Command::new(program).arg("--version").output().is_ok());
    if found.contains(&false) {
        say_skipped("the curl commands of failures: there is no curl, or no bash, to run them");
    }
    !found.contains(&false)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_of_a_failure_repeats_its_request() {
    if !has_curl() {
        return;
    }
    let project = Project::empty().await;
    let (address, arrived) = recorder().await;
    for (name, act) in CASES {
        project.write(&format!("{name}.check.js"), &script(name, act));
    }
    let config = Config { vars: format!("RECORDER = \"http://{address}\"\n"), ..project.config() };
    let shown = Tocsin::run(&config, project.path(), &["test", "--quiet"]).await;
    shown.assert_code(1).assert_says(&[&format!("0 passed, {} failed", CASES.len())]);
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    // The last that a case asked.
    let last = |name: &str| {
        let mut arrived = arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let is_its = |one: &Arrived| one.target.starts_with(&format!("/{name}/"));
        let found = arrived.iter().rev().find(|one| is_its(one)).cloned();
        arrived.retain(|one| !is_its(one));
        found.map(Arrived::comparable)
    };
    let mut wrong = Vec::new();
    for (name, _) in CASES {
        let command = command(&shown.stdout, name);
        let sent = last(name).unwrap_or_else(|| panic!("the run of {name} asked nothing"));
        if NOT_KEPT.contains(&name) {
            assert!(command.ends_with("# and a body that was not kept"), "{command}");
            continue;
        }
        let output = shell(&command, folder.path()).expect("bash starts");
        let repeated = last(name).map(|repeated| repeated.without(&sent));
        if !output.status.success() || repeated.as_ref() != Some(&sent) {
            let said = String::from_utf8_lossy(&output.stderr);
            wrong.push(format!("{name}:\n{command}\n{said}\nsent     {sent:?}\nrepeated {repeated:?}"));
        }
    }
    assert!(wrong.is_empty(), "commands that do something else:\n\n{}", wrong.join("\n\n"));
    let left = std::fs::read_dir(folder.path()).expect("its own folder").count();
    assert_eq!(left, 0, "a command wrote a file");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_trusts_whom_the_run_trusted() {
    if !has_curl() {
        return;
    }
    let project = Project::empty().await;
    let missing = r#"
import { defineCheck, expect } from "tocsin";
export default defineCheck({
  schedule: "every 30s",
  async run({ vars }) {
    expect(await fetch(`${vars.AUTH_URL}/nowhere?a[]=1`)).toBeOk();
  },
});
"#;
    project.write("missing.check.ts", missing);
    let shown = project.run(&["test"]).await;
    shown.assert_code(1);
    let command = command(&shown.stdout, "missing");
    let authority = project.stack.certificate_authority();
    assert!(command.contains(&format!("--cacert {}", authority.display())), "{command}");
    let output = shell(&command, project.path()).expect("bash starts");
    let answered = String::from_utf8_lossy(&output.stdout);
    let head = answered.lines().next().unwrap_or_default();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && head.contains(" 404"), "{command}\n{said}\n{answered}");
}

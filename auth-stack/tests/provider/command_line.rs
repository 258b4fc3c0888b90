//! The binary: serve, break, mend, stop.

use crate::site::Site;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_auth-stack");

/// A process that is killed when a test ends before its time.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    fn start(folder: &Path, more: &[&str]) -> Server {
        let child = Command::new(PROGRAM)
            .args(["serve", "--port", "0", "--admin", "127.0.0.1:0", "--argon2-memory", "8", "--argon2-passes", "1"])
            .args(["--node", "eu=127.0.0.1", "--node", "us=127.0.0.2"])
            .args(more)
            .arg("--data")
            .arg(folder.join("data"))
            .arg("--ready-file")
            .arg(folder.join("ready.json"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a process");
        Server(child)
    }

    /// Sends SIGTERM, and waits for the end and the output.
    fn terminate(mut self) -> Output {
        let kill = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.0.id())).status();
        assert!(kill.expect("a shell").success());
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.0.try_wait().expect("a status").is_none() {
            assert!(Instant::now() < deadline, "it does not stop");
            std::thread::yield_now();
        }
        let status = self.0.wait().expect("a status");
        let read = |pipe: Option<&mut dyn std::io::Read>| {
            let mut bytes = Vec::new();
            pipe.map(|pipe| pipe.read_to_end(&mut bytes));
            bytes
        };
        let stdout = read(self.0.stdout.as_mut().map(|pipe| pipe as &mut dyn std::io::Read));
        let stderr = read(self.0.stderr.as_mut().map(|pipe| pipe as &mut dyn std::io::Read));
        Output { status, stdout, stderr }
    }
}

async fn ready(folder: &Path) -> auth_stack::Ready {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Ok(text) = std::fs::read_to_string(folder.join("ready.json")) {
            return serde_json::from_str(&text).expect("a whole ready file");
        }
        assert!(Instant::now() < deadline, "it does not get ready");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn run(arguments: &[&str]) -> (bool, String) {
    let output = tokio::process::Command::new(PROGRAM).args(arguments).output().await.expect("a process");
    let text = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.success(), String::from_utf8(text).expect("text"))
}

#[tokio::test]
async fn it_serves_breaks_mends_and_stops() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let server = Server::start(folder.path(), &[]);
    let ready = ready(folder.path()).await;
    let ca_pem = std::fs::read_to_string(&ready.ca).expect("the authority");
    let mut site = Site::new(&ca_pem, ready.port, ready.nodes["us"]);
    assert_eq!(site.password_grant().await.status, 200);

    let admin = ready.admin.as_str();
    for (arguments, success, text) in [
        (vec!["fault", "list"], true, "no fault is in force\n"),
        (
            vec!["fault", "set", "error", "--status", "502", "--node", "us", "--component", "docs"],
            true,
            "set  1  error 502 on us in docs\n",
        ),
        (vec!["fault", "list"], true, "1  error 502 on us in docs\n"),
        (
            vec!["fault", "set", "slow", "--node", "mars"],
            false,
            "auth-stack: there is no node `mars`; the nodes are: eu, us\n",
        ),
    ] {
        let arguments = [arguments, vec!["--admin", admin]].concat();
        assert_eq!(run(&arguments).await, (success, text.to_owned()), "{arguments:?}");
    }
    assert_eq!(site.get("/docs").await.status, 502);
    let (success, text) = run(&["fault", "clear", "error", "--admin", admin]).await;
    assert!(success && text == "cleared  1  error 502 on us in docs (1 of 1 requests hit)\n", "{text}");
    assert_eq!(site.get("/docs").await.status, 200);
    let (success, text) = run(&["fault", "clear", "error", "--admin", admin]).await;
    assert!(!success && text.contains("no fault in force has the id or kind `error`"), "{text}");

    let output = server.terminate();
    assert!(output.status.success(), "{output:?}");
    let stdout = String::from_utf8(output.stdout).expect("text");
    for part in [&ready.issuer, "auth-stack fault set slow", "us on 127.0.0.2:", "auth-stack: stopping"] {
        assert!(stdout.contains(part), "{part} in {stdout}");
    }
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn mistakes_are_refused_with_what_to_write() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let data = folder.path().join("data");
    let data = data.to_str().expect("a path of text");
    for (arguments, part) in [
        (vec!["--admin", "0.0.0.0:0"], "give a loopback address, such as 127.0.0.1:9444"),
        (vec!["--node", "eu"], "write NAME=ADDRESS, such as eu-west-1=127.0.0.1"),
        (vec!["--node", "a=127.0.0.1", "--node", "b=127.0.0.1"], "two nodes have the address 127.0.0.1"),
        (vec!["--argon2-memory", "1"], "write at least 8 KiB and 1 pass"),
        (vec!["--access-log", "/nowhere/access.log"], "cannot open the access log /nowhere/access.log"),
    ] {
        let start = vec!["serve", "--port", "0", "--admin", "127.0.0.1:0", "--data", data];
        // The last of two values of an option would be an error of its own, so the ones under test replace the first.
        let start = if arguments[0] == "--admin" { vec!["serve", "--port", "0", "--data", data] } else { start };
        let (success, text) = run(&[start, arguments.clone()].concat()).await;
        assert!(!success && text.contains(part), "{arguments:?}: {text}");
    }
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a listener");
    let port = listener.local_addr().expect("its address").port().to_string();
    let (success, text) = run(&["serve", "--port", &port, "--admin", "127.0.0.1:0", "--data", data]).await;
    assert!(!success && text.contains("cannot listen on 127.0.0.1:"), "{text}");
    drop(listener);
    let (success, text) = run(&["fault", "list", "--admin", &format!("http://127.0.0.1:{port}")]).await;
    assert!(!success && text.contains("cannot reach the auth stack's admin endpoint"), "{text}");
    let (success, text) = run(&["fault", "list", "--all"]).await;
    assert!(success && text.contains("expired-certificate"), "{text}");
}

//! Receivers that others wrote, against the real binary: Python's `standardwebhooks` verifies webhooks, `aiosmtpd` takes mail
//! under TLS. They are fetched into `target` once, at a fixed version, and skipped with a word where pip cannot.

use serde_json::Value;
use std::path::{Path, PathBuf};
use tests::harness::{Config, Process, World};
use tokio::process::Command;
use tokio::sync::Mutex;

const PASSWORD: &str = "mail-password-of-the-test";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The folder that a package is in; nothing, with a word, where it cannot be had.
async fn fetched(package: &str) -> Option<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
    let _turn = ONE_AT_A_TIME.lock().await;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("receivers").join(package);
    if !folder.is_dir() {
        // Whole or not at all: a fetch that breaks off must not look like one that ended.
        let part = folder.with_extension(format!("part-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&part);
        std::fs::create_dir_all(&part).expect("the target folder can be written");
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--target"]).arg(&part).arg(package);
        if !pip.output().await.is_ok_and(|output| output.status.success()) {
            tests::say_skipped(&format!("receiving with {package} (pip cannot install it)"));
            return None;
        }
        // Where another process was first, its folder is as good.
        let _ = std::fs::rename(&part, &folder);
    }
    Some(folder)
}

/// Starts a script of this folder, and returns it with what it wrote into its ready file.
async fn start(script: &str, packages: &Path, arguments: &[&str], folder: &Path) -> (Process, Value) {
    let ready_file = folder.join(format!("{script}.ready.json"));
    let mut python = Command::new("python3");
    python
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign_receivers").join(script))
        .args(arguments)
        .arg(&ready_file)
        .env("PYTHONPATH", packages);
    let mut process = Process::spawn(script, python, folder);
    let ready = process.ready(&ready_file).await;
    (process, ready)
}

/// What the script printed behind `word`, once it has; one line each.
async fn printed(process: &mut Process, word: &str, text: &str) -> Vec<Value> {
    process.prints(text).await;
    let logs = process.logs();
    let lines = logs.lines().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
    lines.map(|line| serde_json::from_str(line).expect("whole lines are JSON")).collect()
}

const LADDER: &str = r#"
[[policies.default.rungs]]
label = "P1"
failures_in_a_row = 1
sms = ["devops"]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn standardwebhooks_verifies_what_is_sent() {
    let Some(packages) = fetched("standardwebhooks==1.1.0").await else { return };
    let world = World::with_discovery().await;
    let (mut receiver, ready) = start("webhook_receiver.py", &packages, &[SECRET], world.path()).await;
    let secret = world.path().join("secret");
    std::fs::write(&secret, SECRET).unwrap();
    let extra = format!(
        "[webhooks.pager]\nurl = \"http://127.0.0.1:{}/\"\nsecret = {{ file = {secret:?} }}\n{LADDER}webhook = [\"pager\"]\n",
        ready["port"]
    );
    let config = Config { regions: 1, extra, ..world.config() };
    let tocsin = world.up_with(&config).await;
    tocsin.passes("discovery").await;
    world.stack.break_everything().await;
    let paged = printed(&mut receiver, "verified", "incident.paged").await;
    assert_eq!(paged[0]["data"]["incident"]["check"], "discovery", "{paged:?}");
    world.stack.repair().await;
    let all = printed(&mut receiver, "verified", "incident.recovered").await;
    assert_eq!(all.len(), 2, "{all:?}");
    tocsin.stop().await;
    assert!(!receiver.logs().contains("refused"), "{}", receiver.logs());
}

/// A certificate of `localhost` and its key, made by openssl.
async fn certificate(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let (config, certificate, key) = (folder.join("openssl.cnf"), folder.join("mail.pem"), folder.join("mail.key"));
    let text = "[req]\ndistinguished_name=name\nx509_extensions=leaf\nprompt=no\n[name]\nCN=localhost\n\
                [leaf]\nsubjectAltName=DNS:localhost\nbasicConstraints=critical,CA:FALSE\n";
    std::fs::write(&config, text).unwrap();
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
    openssl.arg("-config").arg(&config).arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    match openssl.output().await {
        Ok(output) if output.status.success() => Some((certificate, key)),
        _ => {
            tests::say_skipped("receiving with aiosmtpd (openssl cannot make a certificate)");
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn aiosmtpd_takes_mail_under_tls_from_whom_it_knows() {
    let Some(packages) = fetched("aiosmtpd==1.4.6").await else { return };
    let world = World::with_discovery().await;
    let Some((certificate, key)) = certificate(world.path()).await else { return };
    let arguments = [certificate.to_str().unwrap(), key.to_str().unwrap(), PASSWORD];
    let (mut server, ready) = start("mail_server.py", &packages, &arguments, world.path()).await;
    let password = world.path().join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    world.stack.break_everything().await;
    for tls in ["starttls", "implicit"] {
        // A journal of its own each time: a new incident.
        let folder = world.path().join(tls);
        std::fs::create_dir(&folder).unwrap();
        let extra = format!(
            "[email]\nserver = \"localhost:{}\"\ntls = \"{tls}\"\nuser = \"tocsin\"\npassword = {{ file = {password:?} }}\n\
             from = \"Tocsin <tocsin@example.com>\"\nca_file = {certificate:?}\n{LADDER}email = [\"oncall@example.com\"]\n",
            ready[tls]
        );
        let config = Config { regions: 1, extra, ..world.config() };
        let tocsin = tests::harness::Tocsin::up(&config, &folder).await;
        let took = printed(&mut server, "took", &format!("\"server\": \"{tls}\"")).await;
        tocsin.stop().await;
        let mail = took.iter().find(|mail| mail["server"] == tls).expect("it was printed");
        assert_eq!(
            (&mail["authenticated"], &mail["defects"]),
            (&Value::Bool(true), &Value::Array(Vec::new())),
            "{mail}"
        );
        assert_eq!(
            (&mail["from"], &mail["to"][0]),
            (&"tocsin@example.com".into(), &"oncall@example.com".into()),
            "{mail}"
        );
        assert_eq!(mail["subject"], "P1 #1 discovery is failing in eu-west-1");
        assert!(mail["text"].as_str().unwrap().contains("first failure in eu-west-1"), "{mail}");
        assert!(mail["message_id"].as_str().unwrap().ends_with("@example.com>"), "{mail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_prove_itself_gets_neither_password_nor_mail() {
    let Some(packages) = fetched("aiosmtpd==1.4.6").await else { return };
    let world = World::with_discovery().await;
    let Some((certificate, key)) = certificate(world.path()).await else { return };
    let arguments = [certificate.to_str().unwrap(), key.to_str().unwrap(), PASSWORD];
    let (server, ready) = start("mail_server.py", &packages, &arguments, world.path()).await;
    let password = world.path().join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    // Without `ca_file`: nobody vouches for the certificate.
    let extra = format!(
        "[email]\nserver = \"localhost:{}\"\nuser = \"tocsin\"\npassword = {{ file = {password:?} }}\n\
         from = \"Tocsin <tocsin@example.com>\"\n{LADDER}email = [\"oncall@example.com\"]\n",
        ready["starttls"]
    );
    world.stack.break_everything().await;
    let mut tocsin = world.up_with(&Config { regions: 1, extra, ..world.config() }).await;
    tocsin.process.prints("invalid peer certificate").await;
    tocsin.kill().await;
    assert!(!server.logs().contains("took"), "{}", server.logs());
}

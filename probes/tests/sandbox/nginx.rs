//! nginx as the target of checks, where it is installed: a server that nobody here wrote.
//!
//! It listens on a loopback address of this process alone, so that no other test takes its ports, and is known to
//! scripts as `nginx.test`, by the settings of their network. See `nginx.conf` for what it answers.

use crate::target::{Authority, Leaf};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

pub const NAME: &str = "nginx.test";
/// Of the file `/large`, which a run can still hold.
const LARGE_BYTES: u64 = 8 << 20;
/// A bound for a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Nginx {
    pub address: IpAddr,
    pub http_port: u16,
    pub https_port: u16,
    /// Its backlog takes connections; nobody answers them.
    _silent: TcpListener,
    _process: Child,
    _folder: tempfile::TempDir,
}

impl Nginx {
    /// `None`, and a word about it, where there is no nginx.
    pub async fn start(authority: &Authority) -> Option<Self> {
        if Command::new("nginx").arg("-v").stderr(Stdio::null()).status().await.is_err() {
            println!("skipped: specs/nginx (nginx is not installed)");
            return None;
        }
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let address = IpAddr::V4(Ipv4Addr::new(127, 77, high, low.clamp(1, 254)));
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        // Both at once, so that they differ.
        let sockets = [0, 1].map(|_| TcpListener::bind((address, 0)).expect("a free port of a loopback address"));
        let [http_port, https_port] = sockets.map(|socket| socket.local_addr().expect("a bound socket").port());
        let silent = TcpListener::bind((address, 0)).expect("a free port of a loopback address");
        let silent_port = silent.local_addr().expect("a bound socket").port();
        write_files(root, authority, address, [http_port, https_port, silent_port]);
        let log = std::fs::File::create(root.join("stderr.log")).expect("a file");
        let mut process = Command::new("nginx")
            .arg("-p")
            .arg(root)
            .args(["-c", "nginx.conf", "-e", "error.log"])
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("nginx starts");
        let started = Instant::now();
        while tokio::net::TcpStream::connect((address, https_port)).await.is_err() {
            let ended = process.try_wait().expect("a process can be asked");
            let log = || std::fs::read_to_string(root.join("stderr.log")).unwrap_or_default();
            assert!(ended.is_none() && started.elapsed() < PATIENCE, "nginx does not listen: {ended:?}\n{}", log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Some(Self { address, http_port, https_port, _silent: silent, _process: process, _folder: folder })
    }
}

fn write_files(root: &Path, authority: &Authority, address: IpAddr, [http_port, https_port, silent_port]: [u16; 3]) {
    let config = include_str!("nginx.conf")
        .replace("ADDRESS", &address.to_string())
        .replace("HTTPS_PORT", &https_port.to_string())
        .replace("SILENT_PORT", &silent_port.to_string())
        .replace("HTTP_PORT", &http_port.to_string());
    let (certificate, key) = authority.pem_pair(&Leaf { names: &[NAME], ..Leaf::default() });
    let write = |name: &str, text: &str| std::fs::write(root.join(name), text).expect("a file");
    write("nginx.conf", &config);
    write("certificate.pem", &certificate);
    write("key.pem", &key);
    std::fs::create_dir(root.join("files")).expect("a folder");
    write("files/text.txt", &"hello ".repeat(1_000));
    write("files/alphabet", "abcdefghijklmnopqrstuvwxyz");
    std::fs::write(root.join("files/latin"), b"caf\xe9").expect("a file");
    let large = std::fs::File::create(root.join("files/large")).expect("a file");
    large.set_len(LARGE_BYTES).expect("a file without blocks");
}

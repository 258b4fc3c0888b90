//! Serves the pages over an invented watch, to look at them while changing them.
//! `cargo run -p dashboards --example preview -- [healthy|broken] [ADDRESS]`

#[path = "../tests/sample/mod.rs"]
mod sample;

use sample::Sample;
use std::sync::Arc;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let sample = match arguments.next().as_deref() {
        Some("healthy") => Sample::Healthy,
        Some("unavailable") => Sample::Unavailable,
        _ => Sample::Broken,
    };
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:9481".to_owned());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("http://{}/", listener.local_addr()?);
    axum::serve(listener, dashboards::router(Arc::new(sample))).await
}

//! The `tocsin` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    // A zygote forks: it must be entered before any thread, and before anything is allocated for another purpose.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == runner::sandboxing::ZYGOTE) {
        probes::sandbox::zygote_main();
    }
    // Fails only where a provider is installed already, and there is no other in this process.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    runner::cli::main()
}

//! Pith: a content repository server whose content types are WebAssembly components.

mod config;
mod data_directory;
mod doctor;
mod logging;
mod open;
mod plugins;
mod serve;
mod user;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Flags;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A content repository server in one binary.
#[derive(Debug, Parser)]
#[command(name = "pith", version, propagate_version = true)]
struct Arguments {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server.
    Serve,
    /// Make and change users.
    #[command(subcommand)]
    User(user::Command),
    /// Say whether this machine and these settings can run the server.
    Doctor,
    /// Bring the database to the shape that this program expects, and stop.
    Migrate,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("pith: {}", words(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, without those that another one has told already.
fn words(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
    }
    text
}

fn run(Arguments { flags, command }: Arguments) -> anyhow::Result<ExitCode> {
    let config = config::load(&flags)?;
    logging::start(&config.log)?;
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("another provider of TLS was installed before"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match command {
            Command::Serve => serve::run(&config).await,
            Command::User(command) => user::run(&config, command).await,
            Command::Doctor => doctor::run(&config).await,
            Command::Migrate => open::migrate(&config).await,
        }
    })
}
